//! paralight: everything in, everything out.

use std::num::NonZeroUsize;

use paralight::prelude::*;

use super::{Card, Peer};
use crate::sink::{Sink, drain};
use crate::source::Source;

pub(crate) struct Paralight;

impl Peer for Paralight {
    const CARD: Card = Card::new(
        "paralight",
        "paralight",
        "collect the source, `into_par_iter().map(f).with_thread_pool(&mut pool).collect()`",
    )
    .published()
    .ordered();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let workers = NonZeroUsize::new(workers).expect("a case has workers");
        let mut pool = ThreadPoolBuilder {
            num_threads: ThreadCount::Count(workers),
            range_strategy: RangeStrategy::WorkStealing,
            cpu_pinning: CpuPinningPolicy::No,
        }
        .build();
        let items: Vec<S::Item> = source.collect();
        let outs: Vec<O> = items.into_par_iter().map(work).with_thread_pool(&mut pool).collect();
        drain(outs, sink);
    }
}
