//! Time an item, of items that compute or sleep.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::sink::{Sink, Tally};
use crate::source::Source;
use crate::work::spin;

/// Runs a source of so many items once, and checks what comes.
pub(crate) fn timed<P, S, F, O, R>(params: &Params, source: S, work: F, read: R) -> Figures
where
    P: Peer,
    S: Source,
    F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
    O: Send + 'static,
    R: FnMut(u64, O) -> (u64, bool),
    Tally<R>: Sink<O>,
{
    let mut tally = Tally::new(read);
    let start = Instant::now();
    P::run(source, params.case.workers, work, &mut tally);
    let took = start.elapsed();
    let mut figures = Figures::default()
        .with("ns", took.as_nanos() as f64 / params.items as f64)
        .with("items", params.items as f64);
    figures.sum = Some(tally.sum);
    if tally.items != params.items {
        figures.wrong = Some(format!("{} results for {} items", tally.items, params.items));
    } else if P::CARD.ordered && tally.misplaced > 0 {
        figures.wrong = Some(format!("{} results out of order", tally.misplaced));
    }
    figures
}

pub(crate) fn tiny<P: Peer>(params: &Params) -> Figures {
    timed::<P, _, _, _, _>(
        params,
        0..params.items,
        |x: u64| x.wrapping_mul(x),
        |index, out| (out, out == index.wrapping_mul(index)),
    )
}

/// Items that all take the same time.
pub(crate) fn even<P: Peer>(params: &Params) -> Figures {
    let turns = (params.turns_per_us * params.case.item_us) as u64;
    spinning::<P, _>(params, move |_| turns)
}

/// How often a long item comes, and how much longer than the others it takes.
const EVERY: u64 = 64;
const LONGER: u64 = 50;

pub(crate) fn skewed<P: Peer>(params: &Params) -> Figures {
    let mean = params.turns_per_us * params.case.item_us;
    let short = (mean * EVERY as f64 / (EVERY - 1 + LONGER) as f64) as u64;
    spinning::<P, _>(params, move |x| if x % EVERY == 0 { short * LONGER } else { short })
}

fn spinning<P, T>(params: &Params, turns: T) -> Figures
where
    P: Peer,
    T: Fn(u64) -> u64 + Clone + Send + Sync + 'static,
{
    timed::<P, _, _, _, _>(
        params,
        0..params.items,
        move |x: u64| (x, spin(black_box(x), turns(x))),
        |index, (x, out)| (out, x == index),
    )
}

pub(crate) fn sleeping<P: Peer>(params: &Params) -> Figures {
    let time = Duration::from_micros(params.case.item_us as u64);
    timed::<P, _, _, _, _>(
        params,
        0..params.items,
        move |x: u64| {
            sleep(time);
            x
        },
        |index, x| (x, x == index),
    )
}
