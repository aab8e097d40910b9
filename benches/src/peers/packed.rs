//! par-map, in packs of 256 items.

use par_map::ParMap as _;

use super::{Card, Peer};
use crate::sink::{Sink, drain};
use crate::source::Source;

pub(crate) struct ParMap;

impl Peer for ParMap {
    const CARD: Card = Card::new("par-map-256", "par-map", "`source.par_packed_map(256, f)`")
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
        drain(source.with_nb_threads(workers).par_packed_map(256, work), sink);
    }
}
