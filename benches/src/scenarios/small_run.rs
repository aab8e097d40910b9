//! What a run costs that has next to nothing to do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::sink::Tally;

const ITEMS: u64 = 10;
/// A peer that takes longer is measured by fewer runs.
const LIMIT: Duration = Duration::from_secs(2);

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let mut wrong = None;
    let mut runs = 0;
    let start = Instant::now();
    while runs < params.items && start.elapsed() < LIMIT {
        let mut tally = Tally::new(|index: u64, out: u64| (out, out == index * index));
        P::run(0..ITEMS, params.case.workers, |x: u64| x * x, &mut tally);
        if tally.items != ITEMS || P::CARD.ordered && tally.misplaced > 0 {
            wrong = Some(format!("{} results for {ITEMS} items", tally.items));
        }
        black_box(tally.sum);
        runs += 1;
    }
    let took = start.elapsed();
    let mut figures = Figures::default()
        .with("us", took.as_secs_f64() * 1e6 / runs as f64)
        .with("runs", runs as f64);
    figures.wrong = wrong;
    figures
}
