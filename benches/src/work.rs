//! What workers do.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A worker with state of its own, for the peers that have such.
pub(crate) trait Task: Default + Send + 'static {
    type In: Send + Sync + 'static;
    type Out: Send + 'static;

    fn call(&mut self, input: Self::In) -> Self::Out;
}

/// Turns a xorshift generator so many times: work that no compiler shortens and no cache helps.
#[inline]
pub(crate) fn spin(seed: u64, turns: u64) -> u64 {
    // Zero stays zero for ever.
    let mut state = seed | 1;
    for _ in 0..turns {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    state
}

/// How many turns take a microsecond here.
///
/// The quickest of several tries, since whatever disturbs one makes it slower.
pub(crate) fn turns_per_us() -> f64 {
    const TURNS: u64 = 10_000_000;
    let quickest = (0..8)
        .map(|seed| {
            let start = Instant::now();
            black_box(spin(black_box(seed), TURNS));
            start.elapsed()
        })
        .min()
        .unwrap_or(Duration::MAX);
    TURNS as f64 / (quickest.as_secs_f64() * 1e6)
}
