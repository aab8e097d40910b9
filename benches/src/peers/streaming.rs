//! Crates that map an iterator by threads, in order, and give an iterator back.

use pariter::IteratorExt as _;
use parseq::ParallelIterator as _;
use plmap::PipelineMap as _;

use super::{Card, Peer, Stateful, stateful};
use crate::sink::{Sink, drain};
use crate::source::Source;
use crate::work::Task;

/// pariter, with a buffer of so many items, or with the default one (0).
pub(crate) struct Pariter<const BUFFER: usize>;

impl<const BUFFER: usize> Pariter<BUFFER> {
    fn map<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: FnMut(S::Item) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        let outs = source.parallel_map_custom(
            |options| {
                let options = options.threads(workers);
                if BUFFER == 0 { options } else { options.buffer_size(BUFFER) }
            },
            work,
        );
        drain(outs, sink);
    }
}

impl<const BUFFER: usize> Peer for Pariter<BUFFER> {
    const CARD: Card = match BUFFER {
        0 => Card::new("pariter", "pariter", "`source.parallel_map(f)`"),
        _ => Card::new(
            "pariter-1024",
            "pariter",
            "`source.parallel_map_custom(|o| o.buffer_size(1024), f)`",
        ),
    }
    .published()
    .ordered()
    .lazy()
    .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        Self::map(source, workers, work, sink);
    }
}

impl<const BUFFER: usize> Stateful for Pariter<BUFFER> {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        Self::map(source, workers, stateful::closure::<W>(), sink);
    }
}

pub(crate) struct Parseq;

impl Parseq {
    fn map<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: FnMut(S::Item) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        // What `map_parallel` takes for a machine of so many cores.
        drain(source.map_parallel_limit(workers, workers * 16, work), sink);
    }
}

impl Peer for Parseq {
    const CARD: Card = Card::new("parseq", "parseq", "`source.map_parallel(f)`")
        .published()
        .ordered()
        .lazy()
        .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        Self::map(source, workers, work, sink);
    }
}

impl Stateful for Parseq {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        Self::map(source, workers, stateful::closure::<W>(), sink);
    }
}

pub(crate) struct Plmap;

impl Peer for Plmap {
    const CARD: Card =
        Card::new("plmap", "plmap", "`source.plmap(n, f)`").published().ordered().lazy().bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        drain(source.plmap(workers, work), sink);
    }
}

impl Stateful for Plmap {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        drain(source.plmap(workers, stateful::closure::<W>()), sink);
    }
}
