//! What keeps the memory of many workers from being many times that of one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// A text this short needs too little to be worth a share.
const SHORT: usize = 16 * 1024;

/// A bound on the bytes of text that all workers tokenize at the same time.
///
/// A tokenizer needs hundreds of bytes for each byte of its text while it works, so that a few
/// workers with a long one each would need more than everything else. A text that does not fit
/// beside the others waits; one longer than the whole budget has it alone.
///
/// In another process it is one of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Budget {
    most: usize,
    #[serde(skip)]
    used: Mutex<usize>,
    #[serde(skip)]
    freed: Condvar,
}

/// A part of the budget, until it is dropped.
pub(crate) struct Share<'a> {
    of: &'a Budget,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until a text of this many bytes fits; `None` for a short one, which needs no share.
    pub(crate) fn share(&self, bytes: usize) -> Option<Share<'_>> {
        if bytes <= SHORT {
            return None;
        }
        let is_full = |used: &mut usize| *used > 0 && *used + bytes > self.most;
        let used = self.freed.wait_while(self.used(), is_full);
        *used.unwrap_or_else(PoisonError::into_inner) += bytes;
        Some(Share { of: self, bytes })
    }

    /// Nothing that panics runs under the lock.
    fn used(&self) -> MutexGuard<'_, usize> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.of.used() -= self.bytes;
        // All of them: the one that fits now may be any.
        self.of.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn long_texts_wait_for_each_other_and_short_ones_do_not() {
        let budget = Budget::new(100_000);
        let (used, highest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for n in 0..8 {
                let (budget, used, highest) = (&budget, &used, &highest);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = SHORT + 1 + (n * 7_919 + round * 104_729) % 80_000;
                        let _share = budget.share(bytes);
                        let now = used.fetch_add(bytes, Ordering::Relaxed) + bytes;
                        highest.fetch_max(now, Ordering::Relaxed);
                        assert!(budget.share(SHORT).is_none());
                        thread::yield_now();
                        used.fetch_sub(bytes, Ordering::Relaxed);
                    }
                });
            }
        });
        let highest = highest.into_inner();
        assert!(highest <= 100_000, "{highest} bytes at once");
        assert!(highest > 80_000 + SHORT, "{highest} bytes: one at a time");
        assert_eq!(*budget.used(), 0);
    }

    #[test]
    fn a_text_longer_than_the_budget_has_it_alone() {
        let budget = Budget::new(20_000);
        drop(budget.share(1_000_000));
        let first = budget.share(SHORT + 1);
        thread::scope(|scope| {
            let second = scope.spawn(|| drop(budget.share(1_000_000)));
            thread::sleep(std::time::Duration::from_millis(50));
            assert!(!second.is_finished());
            drop(first);
        });
    }
}
