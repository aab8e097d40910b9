//! rayon: of a `Vec`, of a range, of an iterator by its bridge, and of one chunk after the other.

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::{Card, Peer, Stateful};
use crate::sink::{Sink, drain};
use crate::source::Source;
use crate::work::Task;

/// Sees to as many threads as there are workers.
///
/// The global pool, as most programs use it: made by the first run, kept for the next ones.
fn threads(workers: usize) {
    // An error says that an earlier run of this process made it, for as many workers.
    let _ = ThreadPoolBuilder::new().num_threads(workers).build_global();
}

/// Everything in, everything out.
pub(crate) struct OfVec;

impl Peer for OfVec {
    const CARD: Card =
        Card::new("rayon-vec", "rayon", "collect the source, `into_par_iter().map(f).collect()`")
            .published()
            .ordered();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        threads(workers);
        let items: Vec<S::Item> = source.collect();
        let outs: Vec<O> = items.into_par_iter().map(work).collect();
        drain(outs, sink);
    }
}

impl Stateful for OfVec {
    fn run_stateful<S, W>(source: S, workers: usize, sink: &mut impl Sink<W::Out>)
    where
        S: Source,
        W: Task<In = S::Item>,
    {
        threads(workers);
        let items: Vec<S::Item> = source.collect();
        let outs: Vec<W::Out> =
            items.into_par_iter().map_init(W::default, |worker, item| worker.call(item)).collect();
        drain(outs, sink);
    }
}

/// No source to pull at all.
pub(crate) struct OfRange;

impl Peer for OfRange {
    const CARD: Card =
        Card::new("rayon-range", "rayon", "`(0..n).into_par_iter().map(f).collect()`")
            .published()
            .ordered()
            .range_only();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        threads(workers);
        let range = source.range().expect("only scenarios over a range ask for this peer");
        let outs: Vec<O> = range
            .into_par_iter()
            .map(|number| work(S::at(number).expect("a range has items")))
            .collect();
        drain(outs, sink);
    }
}

/// Pulls the source as it goes, collects all results, in any order.
pub(crate) struct Bridge;

impl Peer for Bridge {
    const CARD: Card =
        Card::new("rayon-bridge", "rayon", "`source.par_bridge().map(f).collect()`").published();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        threads(workers);
        let outs: Vec<O> = source.par_bridge().map(work).collect();
        drain(outs, sink);
    }
}

/// Pulls a chunk, maps it, consumes it, and so on.
pub(crate) struct Chunks;

const CHUNK: usize = 4096;

impl Peer for Chunks {
    const CARD: Card = Card::new(
        "rayon-chunks",
        "rayon",
        "by hand: collect 4096 items, `into_par_iter().map(f).collect()`, consume, repeat",
    )
    .ordered()
    .lazy()
    .bounded();

    fn run<S, F, O>(mut source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        threads(workers);
        loop {
            let chunk: Vec<S::Item> = source.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return;
            }
            let outs: Vec<O> = chunk.into_par_iter().map(&work).collect();
            for out in outs {
                if sink.item(out).is_break() {
                    return;
                }
            }
        }
    }
}
