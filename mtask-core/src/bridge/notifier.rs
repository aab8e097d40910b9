//! Where a consumer sleeps.

#[cfg(feature = "stream")]
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "stream")]
use std::task::Waker;
use std::time::Duration;

use super::signals::Wishes;
#[cfg(feature = "stream")]
use crate::error::drop_caught;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, Padded, fence, lock, wait};

/// Where the consumer of a bridge sleeps and hears what others want of it: a wake-up that is not lost when it first, three flags beside it, and what workers have to see at once.
///
/// It does not name the types of items, so that an `Arc` of it may be kept by another run, which
/// outlives what this one borrows.
pub(crate) struct Notifier {
    /// Set by [`notify`](Notifier::notify), cleared by the one consumer that waited for it.
    pub(super) notified: Mutex<bool>,
    wake_up: Condvar,
    /// The task that is to be woken as well: of a consumer that does not sleep here but polls. Stored by
    /// the consumer before its last look, taken by the first notification after that.
    #[cfg(feature = "stream")]
    pub(super) task: Mutex<Option<Waker>>,
    /// Nothing more is wanted. Written by whoever cancels, read by the consumer: under no lock, since
    /// every write is followed by a notification.
    cancelled: AtomicBool,
    /// Nothing more is to be pulled. Written and read in the same way.
    closed: AtomicBool,
    /// Nothing more is to be pulled or begun. Written and read in the same way; and read by workers when they claim,
    /// which have no other way to hear of it before the consumer does.
    aborted: AtomicBool,
    /// What workers look at for each item.
    pub(super) wishes: Padded<Wishes>,
    /// A worker finds nothing to do, so that a quick turn at the source had better end, and who has
    /// a claim take its items one by one. Written under the lock, or by an abort; read, without it, by the thread in
    /// the source after each item and by workers at each step.
    pub(super) hungry: Padded<AtomicBool>,
}

impl Notifier {
    pub(crate) fn new() -> Self {
        Self {
            notified: Mutex::new(false),
            wake_up: Condvar::new(),
            #[cfg(feature = "stream")]
            task: Mutex::new(None),
            cancelled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            wishes: Padded(Wishes::new()),
            hungry: Padded(AtomicBool::new(false)),
        }
    }

    /// Wakes the consumer now, or keeps it from sleeping next time.
    pub(crate) fn notify(&self) {
        *lock(&self.notified) = true;
        self.wake_up.notify_one();
        #[cfg(feature = "stream")]
        self.wake();
    }

    /// Has the next notification wake this task, and it alone; or none.
    ///
    /// Of two threads that come to this lock, one stores and then looks, and the other publishes and
    /// then notifies: if the notification is the second it finds the waker, else the look finds what it was for.
    /// One that finds no waker, since another one has just taken it, needs none: the task is woken
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

    /// Sleeps until notified.
    pub(crate) fn wait(&self) {
        let mut notified = lock(&self.notified);
        while !*notified {
            notified = wait(&self.wake_up, notified);
        }
        *notified = false;
    }

    /// Sleeps until notified, at most for `limit`; says whether it was.
    #[cfg(not(loom))]
    pub(crate) fn wait_at_most(&self, limit: Duration) -> bool {
        let notified = lock(&self.notified);
        let mut notified = if *notified {
            notified
        } else {
            crate::sync::wait_timeout(&self.wake_up, notified, Some(limit))
        };
        std::mem::take(&mut *notified)
    }

    /// The models know no clock: a sleep that may end at any time has ended.
    #[cfg(loom)]
    pub(crate) fn wait_at_most(&self, _limit: Duration) -> bool {
        let was_notified = std::mem::take(&mut *lock(&self.notified));
        crate::sync::yield_now();
        was_notified
    }

    /// Tells the consumer that nothing more is wanted, and wakes it.
    pub(crate) fn cancel(&self) {
        // Release: pairs with the Acquire in `is_cancelled`; the notification's lock orders it for a
        // consumer that sleeps.
        self.cancelled.store(true, Ordering::Release);
        self.notify();
    }

    /// Tells the consumer to let what was pulled come, and no more; and wakes it.
    pub(crate) fn close(&self) {
        // As in `cancel`.
        self.closed.store(true, Ordering::Release);
        self.notify();
    }

    /// Has no item begun or pulled from now on, and tells the consumer. False where it has been told.
    pub(crate) fn abort(&self) -> bool {
        // As in `cancel`.
        let was_aborted = self.aborted.swap(true, Ordering::AcqRel);
        self.wishes.halt.store(0, Ordering::Relaxed);
        // Between the flag and what ends a quick turn, as one that begins has one between saying that nobody is
        // hungry and its look at the flag.
        fence(Ordering::SeqCst);
        self.hungry.store(true, Ordering::Relaxed);
        self.notify();
        !was_aborted
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }
}
