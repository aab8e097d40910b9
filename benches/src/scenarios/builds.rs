//! How often workers are built, when building one takes long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::{Peer, Stateful};
use crate::sink::Tally;
use crate::work::Task;

static BUILDS: AtomicU64 = AtomicU64::new(0);

/// What building a worker takes.
pub(crate) const BUILD: Duration = Duration::from_millis(50);

struct Slow;

impl Default for Slow {
    fn default() -> Self {
        BUILDS.fetch_add(1, Ordering::Relaxed);
        sleep(BUILD);
        Self
    }
}

impl Task for Slow {
    type In = u64;
    type Out = u64;

    fn call(&mut self, input: u64) -> u64 {
        input.wrapping_mul(input)
    }
}

pub(crate) fn measure<P: Stateful>(params: &Params) -> Figures {
    let mut tally = Tally::new(|index: u64, out: u64| (out, out == index.wrapping_mul(index)));
    let start = Instant::now();
    P::run_stateful::<_, Slow>(0..params.items, params.case.workers, &mut tally);
    let took = start.elapsed();
    let mut figures = Figures::default()
        .with("builds", BUILDS.load(Ordering::Relaxed) as f64)
        .with("seconds", took.as_secs_f64());
    figures.sum = Some(tally.sum);
    if tally.items != params.items {
        figures.wrong = Some(format!("{} results for {} items", tally.items, params.items));
    } else if <P as Peer>::CARD.ordered && tally.misplaced > 0 {
        figures.wrong = Some(format!("{} results out of order", tally.misplaced));
    }
    figures
}
