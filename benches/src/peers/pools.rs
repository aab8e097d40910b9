//! workerpool: a pool that takes jobs, with the order and the bound made by hand.

use std::sync::mpsc::channel;

use workerpool::thunk::{Thunk, ThunkWorker};
use workerpool::{Pool, Worker};

use super::reorder::Reorder;
use super::{Card, Peer, Stateful};
use crate::sink::Sink;
use crate::source::Source;
use crate::work::Task;

/// Jobs in the pool for each worker: enough that none waits for the consumer.
const PER_WORKER: usize = 64;

pub(crate) struct Workerpool;

/// Keeps the pool full, and puts what comes back into order.
fn feed<S, W, O>(
    source: S,
    workers: usize,
    mut job: impl FnMut(usize, S::Item) -> W::Input,
    sink: &mut impl Sink<O>,
) where
    S: Source,
    W: Worker<Output = (usize, O)>,
    O: Send + 'static,
{
    let pool = Pool::<W>::new(workers);
    let (give, take) = channel();
    let mut source = source.enumerate();
    let (mut fed, mut yielded) = (0, 0);
    let mut order = Reorder::new();
    loop {
        while fed < yielded + PER_WORKER * workers {
            let Some((index, item)) = source.next() else { break };
            pool.execute_to(give.clone(), job(index, item));
            fed += 1;
        }
        if yielded == fed {
            return;
        }
        let out = loop {
            if let Some(out) = order.pop() {
                break out;
            }
            let (index, out) = take.recv().expect("this function keeps a sender");
            order.insert(index, out);
        };
        yielded += 1;
        if sink.item(out).is_break() {
            return;
        }
    }
}

impl Peer for Workerpool {
    const CARD: Card = Card::new(
        "workerpool",
        "workerpool",
        "by hand: `execute_to` with at most 64 jobs a worker, put into order",
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
        let job = |index, item| {
            let work = work.clone();
            Thunk::of(move || (index, work(item)))
        };
        feed::<S, ThunkWorker<(usize, O)>, O>(source, workers, job, sink);
    }
}

/// A worker as this crate has it.
#[derive(Default)]
struct Numbered<W>(W);

impl<W: Task> Worker for Numbered<W> {
    type Input = (usize, W::In);
    type Output = (usize, W::Out);

    fn execute(&mut self, (index, item): Self::Input) -> Self::Output {
        (index, self.0.call(item))
    }
}

impl Stateful for Workerpool {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        feed::<S, Numbered<W>, W::Out>(source, workers, |index, item| (index, item), sink);
    }
}
