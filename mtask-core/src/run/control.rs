//! What may end a run from outside, and what its workers share with its consumer beside the bridge.

use std::time::{Duration, Instant};

use crate::Ended;
use crate::bridge::Notifier;
use crate::context::InRun;
use crate::error::GivenUp;
#[cfg(feature = "progress")]
use crate::item_bar::BarPlace;
#[cfg(feature = "progress")]
use crate::observe::progress::Room;
use crate::run::exit::Waiting;
#[cfg(feature = "progress")]
use crate::run::exit::Waits;
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, OnceLock, Ordering, lock, wait_timeout};

/// The control of one run. It names no type of items, so that an `Arc` of it may be kept by another run, which
/// outlives what this one borrows.
pub(crate) struct Control {
    /// By which the consumer hears of an end.
    notifier: Arc<Notifier>,
    /// The caller wants no more to be pulled. The consumer hears of it by the notifier, and by the same of a run that no
    /// worker is left for.
    closed: AtomicBool,
    /// When it was aborted there was nothing left to cut off. Written and read by the consumer.
    is_whole: AtomicBool,
    /// Threads that pass time wait here: see [`pause`](Control::pause).
    pausing: (Mutex<()>, Condvar),
    /// Why no worker is left, so that the run ends before its source.
    no_worker: OnceLock<GivenUp>,
    /// How the run ended, once it has.
    ended: OnceLock<Ended>,
    /// Who is waited for at the end, where that takes long.
    #[cfg(feature = "progress")]
    waits: Mutex<Vec<Waiting>>,
    /// Where the workers may show bars: set by the consumer before they start, read by a worker that asks.
    #[cfg(feature = "progress")]
    room: OnceLock<Arc<Room>>,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            notifier: Arc::new(Notifier::new()),
            closed: AtomicBool::new(false),
            is_whole: AtomicBool::new(false),
            pausing: (Mutex::new(()), Condvar::new()),
            no_worker: OnceLock::new(),
            ended: OnceLock::new(),
            #[cfg(feature = "progress")]
            waits: Mutex::default(),
            #[cfg(feature = "progress")]
            room: OnceLock::new(),
        }
    }

    pub(crate) fn notifier(&self) -> &Arc<Notifier> {
        &self.notifier
    }

    /// Tells the consumer that nothing more is wanted, and ends all pauses.
    pub(crate) fn cancel(&self) {
        self.notifier.cancel();
        self.end_pauses();
    }

    /// Tells the consumer to let what was pulled come, and no more; and ends all pauses. False where it had
    /// been told.
    pub(crate) fn close(&self) -> bool {
        let was_closed = self.closed.swap(true, Ordering::AcqRel);
        self.notifier.close();
        self.end_pauses();
        !was_closed
    }

    /// Has nothing more pulled or begun, and tells the consumer; and ends all pauses. False where that had been
    /// done.
    pub(crate) fn abort(&self) -> bool {
        let is_first = self.notifier.abort();
        self.end_pauses();
        is_first
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.notifier.is_aborted()
    }

    /// Notes that all of the source had been finished when the run was aborted.
    pub(crate) fn note_whole(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// The run was aborted, as far as is known before its end.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_aborted() && !self.is_whole.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The run ends early, in either way.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_closed() || self.is_aborted() || self.notifier.is_cancelled()
    }

    /// Notes that no worker is left; before the bridge is closed for that.
    pub(crate) fn lose_workers(&self, why: GivenUp) {
        // There is one last worker.
        let _ = self.no_worker.set(why);
    }

    /// No worker is left, and why.
    pub(crate) fn no_worker(&self) -> Option<&GivenUp> {
        self.no_worker.get()
    }

    /// Notes who is waited for, for the bar.
    pub(crate) fn note_waits(&self, waits: Vec<Waiting>) {
        #[cfg(feature = "progress")]
        {
            *lock(&self.waits) = waits;
        }
        #[cfg(not(feature = "progress"))]
        drop(waits);
    }

    /// Where the run is to come to its end, who is waited for, in words; none where that takes no long time.
    #[cfg(feature = "progress")]
    pub(crate) fn ending(&self) -> Option<String> {
        let waits = lock(&self.waits);
        (self.is_ending() || !waits.is_empty()).then(|| Waits(&waits).to_string())
    }

    /// Notes how the run has ended, for the first time.
    pub(crate) fn end(&self, ended: Ended) {
        // The first word is the true one: what is dropped at its end is not stopped by that.
        let _ = self.ended.set(ended);
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended.get().copied()
    }

    fn end_pauses(&self) {
        let (lock_of, ended) = &self.pausing;
        // Between the flag and the wake-up, for a thread that has looked at the flag and does not wait yet.
        drop(lock(lock_of));
        ended.notify_all();
    }

    /// Passes time, for a thread other than the consumer; false, and at once, if the run ends early.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let start = Instant::now();
        let (lock_of, ended) = &self.pausing;
        let mut guard = lock(lock_of);
        loop {
            if self.is_ending() {
                return false;
            }
            let left = time.saturating_sub(start.elapsed());
            if left.is_zero() {
                return true;
            }
            guard = wait_timeout(ended, guard, Some(left));
        }
    }

    #[cfg(feature = "progress")]
    pub(crate) fn make_room(&self, room: Arc<Room>) {
        // A run starts once.
        let _ = self.room.set(room);
    }
}

impl InRun for Control {
    fn is_cancelled(&self) -> bool {
        self.is_ending()
    }

    #[cfg(feature = "progress")]
    fn bar_place(&self) -> Option<Arc<dyn BarPlace>> {
        self.room.get().map(|room| Arc::clone(room) as Arc<dyn BarPlace>)
    }
}
