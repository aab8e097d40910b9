//! Where a consumer sleeps.

#[cfg(feature = "stream")]
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "stream")]
use std::task::Waker;
use std::time::Duration;

#[cfg(feature = "stream")]
use crate::error::drop_caught;
#[cfg(all(feature = "progress", not(loom)))]
use crate::progress::Room;
#[cfg(all(feature = "progress", not(loom)))]
use crate::sync::{Arc, OnceLock};
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, lock, wait};

/// A wake-up that is not lost when it comes first, and a cancel flag beside it: what the workers of a run
/// share with its consumer, and so also where they may show bars.
///
/// It does not name the types of items, so that an `Arc` of it may be kept by another run, which
/// outlives what this one borrows.
pub(crate) struct Bell {
    /// Set by [`ring`](Bell::ring), cleared by the one consumer that waited for it.
    rung: Mutex<bool>,
    heard: Condvar,
    /// The task that is to be woken as well: of a consumer that does not sleep here but polls. Stored by
    /// the consumer before its last look, taken by the first ring after that.
    #[cfg(feature = "stream")]
    task: Mutex<Option<Waker>>,
    /// Nothing more is wanted. Written by whoever cancels, read by the consumer: under no lock, since
    /// every write is followed by a ring.
    cancelled: AtomicBool,
    /// Nothing more is to be pulled. Written and read in the same way.
    closed: AtomicBool,
    /// Who waits for a cancel alone, for a time: see [`pause`](Bell::pause).
    pausing: Condvar,
    /// Where the workers may show bars: set by the consumer before they start, read by a worker that asks.
    #[cfg(all(feature = "progress", not(loom)))]
    room: OnceLock<Arc<Room>>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self {
            rung: Mutex::new(false),
            heard: Condvar::new(),
            #[cfg(feature = "stream")]
            task: Mutex::new(None),
            cancelled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            pausing: Condvar::new(),
            #[cfg(all(feature = "progress", not(loom)))]
            room: OnceLock::new(),
        }
    }

    #[cfg(all(feature = "progress", not(loom)))]
    pub(crate) fn make_room(&self, room: Arc<Room>) {
        // A run starts once.
        let _ = self.room.set(room);
    }

    #[cfg(all(feature = "progress", not(loom)))]
    pub(crate) fn room(&self) -> Option<&Arc<Room>> {
        self.room.get()
    }

    /// Wakes the consumer now, or keeps it from sleeping next time.
    pub(crate) fn ring(&self) {
        *lock(&self.rung) = true;
        self.heard.notify_one();
        #[cfg(feature = "stream")]
        self.wake();
    }

    /// Has the next ring wake this task, and it alone; or none.
    ///
    /// Of two threads that come to this lock, one stores and then looks, and the other publishes and
    /// then rings: if the ring is the second it finds the waker, else the look finds what was rung for.
    /// A ring that finds no waker, since another one has just taken it, needs none: the task is woken
    /// by that other one after this, or it has stored its waker anew.
    #[cfg(feature = "stream")]
    pub(super) fn set_task(&self, task: Option<&Waker>) {
        // Cloned and dropped outside the lock, as it is the executor's code.
        let task = task.cloned();
        let before = std::mem::replace(&mut *lock(&self.task), task);
        drop(before);
    }

    #[cfg(feature = "stream")]
    fn wake(&self) {
        let Some(task) = lock(&self.task).take() else { return };
        // An executor's code on a worker's thread, where nothing may unwind.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.wake())) {
            drop_caught(payload);
        }
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
        self.pausing.notify_all();
    }

    /// Tells the consumer to let what was pulled come, and no more; and wakes it. False where it had been
    /// told.
    pub(crate) fn close(&self) -> bool {
        // As in `cancel`.
        let was_closed = self.closed.swap(true, Ordering::Release);
        self.ring();
        self.pausing.notify_all();
        !was_closed
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Passes time, for a thread other than the consumer; false, and at once, if the run is cancelled or
    /// closed.
    #[cfg(not(loom))]
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let start = std::time::Instant::now();
        // The lock of `ring`, which comes between the flag and the wake-up.
        let mut rung = lock(&self.rung);
        loop {
            if self.is_closed() || self.is_cancelled() {
                return false;
            }
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return true;
            }
            rung = crate::sync::wait_timeout(&self.pausing, rung, Some(left));
        }
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}
