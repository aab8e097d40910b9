//! What one writes by hand over crossbeam's channels: a feeder, workers, and a consumer that puts
//! results into order. Item by item, and in batches of 256.

use std::ops::ControlFlow;
use std::thread;

use crossbeam_channel::bounded;

use super::reorder::Reorder;
use super::{Card, Peer, Stateful};
use crate::sink::Sink;
use crate::source::Source;
use crate::work::Task;

/// Units in flight for each worker.
const PER_WORKER: usize = 64;

/// Runs units of work through workers, each of which makes its function itself.
fn pipeline<U, V, F>(
    units: impl Iterator<Item = U> + Send,
    workers: usize,
    make: impl Fn() -> F + Sync,
    mut emit: impl FnMut(V) -> ControlFlow<()>,
) where
    U: Send,
    V: Send,
    F: FnMut(U) -> V,
{
    let window = PER_WORKER * workers;
    // A place for each unit in flight, which the consumer gives back: the feeder waits for one, so
    // that what waits to be put into order has a bound too.
    let (occupy, vacate) = bounded(window);
    let (feed, fed) = bounded(window);
    let (publish, published) = bounded(window);
    thread::scope(|scope| {
        scope.spawn(move || {
            for unit in units.enumerate() {
                if occupy.send(()).is_err() || feed.send(unit).is_err() {
                    return;
                }
            }
        });
        for _ in 0..workers {
            let (fed, publish, make) = (fed.clone(), publish.clone(), &make);
            scope.spawn(move || {
                let mut work = make();
                for (index, unit) in fed {
                    if publish.send((index, work(unit))).is_err() {
                        return;
                    }
                }
            });
        }
        drop((fed, publish));
        let mut order = Reorder::new();
        for (index, out) in published {
            order.insert(index, out);
            while let Some(out) = order.pop() {
                if emit(out).is_break() {
                    return drop(vacate);
                }
                let _ = vacate.recv();
            }
        }
    });
}

pub(crate) struct PerItem;

impl Peer for PerItem {
    const CARD: Card = Card::new(
        "crossbeam-item",
        "crossbeam-channel",
        "by hand: feeder, workers, reorder buffer, 64 items in flight a worker",
    )
    .ordered()
    .lazy()
    .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        pipeline(source, workers, || &work, |out| sink.item(out));
    }
}

impl Stateful for PerItem {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        let make = || {
            let mut worker = W::default();
            move |item| worker.call(item)
        };
        pipeline(source, workers, make, |out| sink.item(out));
    }
}

pub(crate) struct PerBatch;

const BATCH: usize = 256;

/// An iterator's items, by the batch.
struct Batches<S>(S);

impl<S: Iterator> Iterator for Batches<S> {
    type Item = Vec<S::Item>;

    fn next(&mut self) -> Option<Vec<S::Item>> {
        let batch: Vec<_> = self.0.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    }
}

impl Peer for PerBatch {
    const CARD: Card = Card::new(
        "crossbeam-256",
        "crossbeam-channel",
        "by hand: the same in batches of 256 items, 64 batches in flight a worker",
    )
    .ordered()
    .lazy()
    .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let make = || |batch: Vec<S::Item>| batch.into_iter().map(&work).collect::<Vec<O>>();
        let emit = |outs: Vec<O>| outs.into_iter().try_for_each(|out| sink.item(out));
        pipeline(Batches(source), workers, make, emit);
    }
}
