//! Where a consumer sleeps.

use std::time::Duration;

use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, lock, wait};

/// A wake-up that is not lost when it comes first, and a cancel flag beside it.
///
/// It does not name the types of items, so that an `Arc` of it may be kept by another run, which
/// outlives what this one borrows.
pub(crate) struct Bell {
    /// Set by [`ring`](Bell::ring), cleared by the one consumer that waited for it.
    rung: Mutex<bool>,
    heard: Condvar,
    /// Written by whoever cancels, read by the consumer: under no lock, since every write is
    /// followed by a ring.
    cancelled: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { rung: Mutex::new(false), heard: Condvar::new(), cancelled: AtomicBool::new(false) }
    }

    /// Wakes the consumer now, or keeps it from sleeping next time.
    pub(crate) fn ring(&self) {
        *lock(&self.rung) = true;
        self.heard.notify_one();
    }

    /// Sleeps until rung.
    pub(crate) fn wait(&self) {
        let mut rung = lock(&self.rung);
        while !*rung {
            rung = wait(&self.heard, rung);
        }
        *rung = false;
    }

    /// Sleeps until rung, at most for `limit`.
    #[cfg(not(loom))]
    pub(crate) fn wait_at_most(&self, limit: Duration) {
        let rung = lock(&self.rung);
        let mut rung =
            if *rung { rung } else { crate::sync::wait_timeout(&self.heard, rung, Some(limit)) };
        *rung = false;
    }

    /// The models know no clock: a sleep that may end at any time has ended.
    #[cfg(loom)]
    pub(crate) fn wait_at_most(&self, _limit: Duration) {
        *lock(&self.rung) = false;
        crate::sync::yield_now();
    }

    /// Tells the consumer that nothing more is wanted, and wakes it.
    pub(crate) fn cancel(&self) {
        // Release: pairs with the Acquire in `is_cancelled`; the ring's lock orders it for a
        // consumer that sleeps.
        self.cancelled.store(true, Ordering::Release);
        self.ring();
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}
