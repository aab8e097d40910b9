//! How many items may be in flight.

use super::Plan;
use super::tuning::{LEAST_IN_WINDOW, MOST_IN_WINDOW, MOST_OWNING, WINDOW_BYTES, WINDOW_WORK};

/// The size of the window, kept by the consumer.
///
/// It adapts unless the user has set it: it grows while items are cheap, by no more than the
/// consumer has taken, so that a run whose first item stalls stays small; and it shrinks when they
/// turn out to be dear.
pub(super) struct Window {
    size: usize,
    /// What it may become.
    least: usize,
    most: usize,
    workers: usize,
    /// The largest that it has been.
    largest: usize,
}

impl Window {
    pub(super) fn new(plan: &Plan) -> Self {
        let workers = plan.workers;
        let least = plan.window.unwrap_or(workers.saturating_mul(LEAST_IN_WINDOW));
        let fit = WINDOW_BYTES / plan.item_bytes.max(1);
        let most = if plan.owning { MOST_OWNING } else { MOST_IN_WINDOW };
        let most = plan.window.unwrap_or(least.max(most.min(fit)));
        Self { size: least, least, most, workers, largest: least }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The largest that it has been: so many items may have been in flight, since it shrinks without taking back
    /// what was pulled.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// After how many taken items the others are to be told: each where the window is small, so
    /// that it is used to the full.
    pub(super) fn step(&self) -> usize {
        (self.size / 32).clamp(1, 128)
    }

    /// Adapts, where `taken` more items have been taken and one takes `item_ns`.
    pub(super) fn adapt(&mut self, taken: usize, item_ns: usize) {
        let wanted = match item_ns {
            0 => self.least,
            ns => (WINDOW_WORK.saturating_mul(self.workers) / ns).clamp(self.least, self.most),
        };
        self.size = if wanted > self.size {
            wanted.min(self.size.saturating_add(taken))
        } else {
            wanted.max(self.size.saturating_sub(taken))
        };
        self.largest = self.largest.max(self.size);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn plan(window: Option<usize>) -> Plan {
        Plan {
            workers: 2,
            window,
            item_bytes: 8,
            owning: false,
            chunk: 1,
            ordered: true,
            build_now: false,
            fed: false,
            polled: false,
        }
    }

    #[test]
    fn it_grows_by_what_was_taken_while_items_are_cheap_and_shrinks_when_they_are_dear() {
        let mut window = Window::new(&plan(None));
        assert_eq!(window.size(), 32);
        window.adapt(10, 0);
        assert_eq!(window.size(), 32);
        window.adapt(10, 100);
        assert_eq!(window.size(), 42);
        for _ in 0..100 {
            window.adapt(64, 100);
        }
        assert_eq!(window.size(), MOST_IN_WINDOW);
        for _ in 0..100 {
            window.adapt(64, 1_000_000);
        }
        assert_eq!((window.size(), window.largest()), (32, MOST_IN_WINDOW));
    }

    #[test]
    fn the_docs_have_these_numbers() {
        let grouped = |n: usize| format!("{},{:03}", n / 1_000, n % 1_000);
        let options = include_str!("../front/options.rs");
        let readme = include_str!("README.md");
        let (work, bytes) = (WINDOW_WORK / 1_000_000, WINDOW_BYTES >> 20);
        for (text, said) in [
            (options, format!("it begins with {LEAST_IN_WINDOW} items for each worker")),
            (
                options,
                format!(
                    "to {work} ms of work for each worker, {} items and {bytes} MiB",
                    grouped(MOST_IN_WINDOW)
                ),
            ),
            (options, format!("{} are the most", grouped(MOST_OWNING))),
            (readme, format!("it begins with {LEAST_IN_WINDOW} items for each worker")),
            (
                readme,
                format!(
                    "to {work} ms of work for each worker, at most {} items ({} where",
                    grouped(MOST_IN_WINDOW),
                    grouped(MOST_OWNING)
                ),
            ),
            (readme, format!("and {bytes} MiB of them")),
        ] {
            assert!(text.contains(&said), "the docs do not say {said:?}");
        }
    }

    #[test]
    fn large_items_are_fewer() {
        for (item_bytes, most) in
            [(0, MOST_IN_WINDOW), (512, MOST_IN_WINDOW), (1024, 2048), (usize::MAX, 32)]
        {
            let mut window = Window::new(&Plan { item_bytes, ..plan(None) });
            window.adapt(1_000_000, 1);
            assert_eq!(window.size(), most);
        }
        let mut window = Window::new(&Plan { owning: true, ..plan(None) });
        window.adapt(1_000_000, 1);
        assert_eq!(window.size(), MOST_OWNING);
    }

    #[test]
    fn one_that_was_set_stays() {
        for size in [1, 7, usize::MAX] {
            let mut window = Window::new(&plan(Some(size)));
            window.adapt(1_000, 1);
            window.adapt(1_000, 1_000_000_000);
            assert_eq!(window.size(), size);
        }
    }
}
