//! mtask itself, as its README has it.

use std::convert::Infallible;
use std::ops::ControlFlow;

use mtask::prelude::*;

use super::{Card, Peer, Stateful};
use crate::sink::{Failure, Sink};
use crate::source::Source;
use crate::work::Task;

/// In input order or not; with a window of so many items, or with the default one (0).
pub(crate) struct Mtask<const ORDERED: bool, const WINDOW: usize>;

impl<const ORDERED: bool, const WINDOW: usize> Mtask<ORDERED, WINDOW> {
    fn run_specs<S, P, W>(source: S, specs: Vec<P>, sink: &mut impl Sink<W::Output>)
    where
        S: Source,
        P: Spec<W> + 'static,
        W: Worker<Input = S::Item>,
        W::Output: Send + 'static,
    {
        let mut results = par_stateful(source, specs);
        if !ORDERED {
            results = results.unordered();
        }
        if WINDOW > 0 {
            results = results.max_in_flight(WINDOW);
        }
        let _ = results.try_for_each(|result| match result {
            Ok(out) => sink.item(out),
            Err(error) => failed(&error, sink),
        });
    }
}

#[cold]
pub(super) fn failed<O>(error: &TaskError, sink: &mut impl Sink<O>) -> ControlFlow<()> {
    sink.failed(Failure { index: error.index(), message: error.to_string() })
}

impl<const ORDERED: bool, const WINDOW: usize> Peer for Mtask<ORDERED, WINDOW> {
    const CARD: Card = match (ORDERED, WINDOW) {
        (true, 0) => Card::new("mtask", "mtask", "`par_stateful(..)`").ordered(),
        (true, _) => {
            Card::new("mtask-1024", "mtask", "`par_stateful(..).max_in_flight(1024)`").ordered()
        }
        (false, _) => Card::new("mtask-unordered", "mtask", "`par_stateful(..).unordered()`"),
    }
    .published()
    .lazy()
    .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        Self::run_specs(source, worker_fn(work).times(workers).collect(), sink);
    }
}

impl<const ORDERED: bool, const WINDOW: usize> Stateful for Mtask<ORDERED, WINDOW> {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        let spec = init_fn(|| {
            let mut worker = W::default();
            Ok::<_, Infallible>(move |item: S::Item| worker.call(item))
        });
        Self::run_specs(source, spec.times(workers).collect(), sink);
    }
}
