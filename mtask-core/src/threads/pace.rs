//! How many items a worker claims at a time.

use std::time::{Duration, Instant};

use crate::bridge::Stride;

/// How long a claim is to take: long enough for the lock to cost next to nothing, and short enough
/// for nobody to miss what is in it.
const AIM: Duration = Duration::from_micros(20);
/// The most items in a claim.
const MOST: usize = 512;
/// Items that take less than this are cheap enough for a claim in which not every item is fenced.
const QUICK: Duration = Duration::from_micros(10);
/// Which part of a claim is taken in hand at a time, out of the reach of others.
const STEPS: usize = 32;

/// Measures a worker's claims, and sizes the next: at most twice as many items as the last one,
/// and at once as few as they turn out to be worth.
pub(super) struct Pace {
    most: usize,
    /// What an item took, in the last claim that was measured.
    item: Option<Duration>,
    start: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { most: 1, item: None, start: None }
    }

    /// How the next claim is to be made.
    pub(super) fn stride(&self, built: bool) -> Stride {
        let most = if built { self.most } else { 1 };
        Stride {
            most,
            step: (most / STEPS).max(1),
            quick: built && self.item.is_some_and(|item| item < QUICK),
            built,
            item_ns: self.item.map_or(0, |item| (item.as_nanos() as usize).max(1)),
        }
    }

    /// A claim begins. It is not measured where the worker is yet to be built.
    pub(super) fn start(&mut self, built: bool) {
        self.start = built.then(Instant::now);
    }

    /// The claim is at its end, after so many items.
    pub(super) fn stop(&mut self, count: usize) {
        if let Some(start) = self.start
            && count > 0
        {
            self.measured(start.elapsed(), count);
        }
    }

    fn measured(&mut self, took: Duration, count: usize) {
        let item = took / u32::try_from(count).unwrap_or(u32::MAX);
        let fit = AIM.as_nanos() / item.as_nanos().max(1);
        self.most = usize::try_from(fit).unwrap_or(MOST).min(2 * count).clamp(1, MOST);
        self.item = Some(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of claims whose items take so long.
    fn sizes(pace: &mut Pace, item: Duration, claims: usize) -> Vec<usize> {
        (0..claims)
            .map(|_| {
                let most = pace.stride(true).most;
                pace.measured(item * most as u32, most);
                most
            })
            .collect()
    }

    #[test]
    fn claims_double_up_to_what_takes_the_aim_and_shrink_at_once() {
        let mut pace = Pace::new();
        assert_eq!(sizes(&mut pace, Duration::from_micros(1), 7), [1, 2, 4, 8, 16, 20, 20]);
        assert!(pace.stride(true).quick);
        assert_eq!(sizes(&mut pace, Duration::from_millis(1), 2), [20, 1]);
        assert!(!pace.stride(true).quick);
        assert_eq!(sizes(&mut pace, Duration::from_nanos(2), 12).last(), Some(&MOST));
        assert_eq!(pace.stride(true).step, MOST / STEPS);
    }

    #[test]
    fn a_worker_that_is_not_built_claims_one_item() {
        let mut pace = Pace::new();
        sizes(&mut pace, Duration::from_nanos(2), 12);
        let stride = pace.stride(false);
        assert_eq!((stride.most, stride.step, stride.quick), (1, 1, false));
    }
}
