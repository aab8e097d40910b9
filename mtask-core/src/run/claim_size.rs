//! How many items a worker claims at a time.

use std::time::Duration;

use crate::bridge::Stride;
use crate::bridge::tuning::{CLAIM, MOST_IN_CLAIM, MOST_IN_STEP, QUICK, STEP};

/// Measures a worker's claims, and sizes the next: at most twice as many items as the last one,
/// and at once as few as they turn out to be worth.
pub(crate) struct Pace {
    most: usize,
    /// What an item took, in the last claim that was measured.
    item: Option<Duration>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { most: 1, item: None }
    }

    /// How the next claim is to be made.
    pub(crate) fn stride(&self, built: bool) -> Stride {
        let most = if built { self.most } else { 1 };
        Stride {
            most,
            step: self.fitting(STEP).min(MOST_IN_STEP).min(most),
            quick: built && self.item.is_some_and(|item| item.as_nanos() < QUICK.end as u128),
            built,
            item_ns: self
                .item
                .map_or(0, |item| usize::try_from(item.as_nanos()).unwrap_or(usize::MAX).max(1)),
        }
    }

    /// How many items fit into a time; at least one.
    fn fitting(&self, time: Duration) -> usize {
        let Some(item) = self.item else { return 1 };
        usize::try_from(time.as_nanos() / item.as_nanos().max(1)).unwrap_or(usize::MAX).max(1)
    }

    /// A claim took so long, with so many items.
    pub(crate) fn measured(&mut self, took: Duration, count: usize) {
        let item = took / u32::try_from(count).unwrap_or(u32::MAX);
        self.item = Some(item);
        self.most = self.fitting(CLAIM).min(2 * count).min(MOST_IN_CLAIM);
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
        assert_eq!(
            sizes(&mut pace, Duration::from_micros(5), 9),
            [1, 2, 4, 8, 16, 32, 64, 128, 200]
        );
        assert!(pace.stride(true).quick);
        assert_eq!(sizes(&mut pace, Duration::from_millis(2), 2), [200, 1]);
        assert!(!pace.stride(true).quick);
        assert_eq!(sizes(&mut pace, Duration::from_nanos(2), 12).last(), Some(&MOST_IN_CLAIM));
        assert_eq!(pace.stride(true).step, MOST_IN_STEP);
    }

    #[test]
    fn the_docs_have_these_numbers() {
        let option = include_str!("../front/options.rs");
        let readme = include_str!("../bridge/README.md");
        for (text, said) in [
            (
                option,
                format!(
                    "as many items as take a millisecond, {},{:03} at most",
                    MOST_IN_CLAIM / 1000,
                    MOST_IN_CLAIM % 1000
                ),
            ),
            (option, format!("take less than {} µs", QUICK.end / 1000)),
            (readme, format!("take less than {} µs", QUICK.end / 1000)),
            (readme, format!("up to {MOST_IN_STEP}, where those take {} µs", STEP.as_micros())),
        ] {
            assert!(text.contains(&said), "the docs do not say {said:?}");
        }
        assert_eq!(CLAIM, Duration::from_millis(1));
    }

    #[test]
    fn a_worker_that_is_not_built_claims_one_item() {
        let mut pace = Pace::new();
        sizes(&mut pace, Duration::from_nanos(2), 12);
        let stride = pace.stride(false);
        assert_eq!((stride.most, stride.step, stride.quick), (1, 1, false));
    }
}
