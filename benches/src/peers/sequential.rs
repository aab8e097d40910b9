//! No parallelism at all: what everything else is compared with.

use super::{Card, Peer, Stateful};
use crate::sink::{Sink, drain};
use crate::source::Source;
use crate::work::Task;

pub(crate) struct Sequential;

impl Peer for Sequential {
    const CARD: Card = Card::new("sequential", "std", "`source.map(f)`").ordered().lazy().bounded();

    fn run<S, F, O>(source: S, _workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        drain(source.map(work), sink);
    }
}

impl Stateful for Sequential {
    fn run_stateful<S, W>(source: S, _workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        let mut worker = W::default();
        drain(source.map(|item| worker.call(item)), sink);
    }
}
