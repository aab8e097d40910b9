//! orx-parallel: of an iterator that it pulls as it goes, and of a `Vec`. Both collect all results.

use orx_parallel::{IntoParIter, IterIntoParIter, Par, ParUse, Pool, Runner};

use super::{Card, Peer, Stateful};
use crate::sink::{Sink, drain};
use crate::source::Source;
use crate::work::Task;

pub(crate) struct OfIter;

impl Peer for OfIter {
    const CARD: Card =
        Card::new("orx-iter", "orx-parallel", "`source.iter_into_par().map(f).collect()`")
            .published()
            .ordered();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let work = &work;
        let runner = Runner::adaptive_with_pool(Pool::basic(workers));
        let outs: Vec<O> = source.iter_into_par().runner(runner).map(work).collect();
        drain(outs, sink);
    }
}

impl Stateful for OfIter {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        let runner = Runner::adaptive_with_pool(Pool::basic(workers));
        let outs: Vec<W::Out> = source
            .iter_into_par()
            .runner(runner)
            .use_new(|_| W::default())
            .map(|worker, item| worker.call(item))
            .collect();
        drain(outs, sink);
    }
}

pub(crate) struct OfVec;

impl Peer for OfVec {
    const CARD: Card =
        Card::new("orx-vec", "orx-parallel", "collect the source, `into_par().map(f).collect()`")
            .published()
            .ordered();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let work = &work;
        let runner = Runner::adaptive_with_pool(Pool::basic(workers));
        let items: Vec<S::Item> = source.collect();
        let outs: Vec<O> = items.into_par().runner(runner).map(work).collect();
        drain(outs, sink);
    }
}
