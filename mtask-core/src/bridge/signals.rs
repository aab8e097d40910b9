//! What threads tell each other without a lock.

use super::Plan;
use super::window::Window;
use crate::sync::{AtomicBool, AtomicUsize, Ordering, Padded};

/// The consumer does not sleep.
pub(super) const NOBODY: usize = usize::MAX;
/// The consumer waits for any result.
pub(super) const ANYTHING: usize = usize::MAX - 1;

/// The atomics of a bridge, those that are written at the same pace on the same cache line.
pub(super) struct Signals {
    pub(super) room: Padded<Room>,
    /// Workers asleep. Written by them under the lock, before a fence and a last look at `limit`;
    /// read by the consumer after raising `limit` and a fence: one of them sees the other.
    pub(super) asleep: Padded<AtomicUsize>,
    /// How long an item takes, in nanoseconds; 0 where nobody knows. Written by workers at a
    /// claim, read by the consumer, who decides by it how to wait. Guides, and guards nothing.
    pub(super) item_ns: Padded<AtomicUsize>,
}

/// What the consumer writes now and then, and workers read when they claim.
pub(super) struct Room {
    /// How many items may be pulled: the released ones and the window. Written by the consumer
    /// (Release), read by who pulls (Acquire). Never falls, so that what was read holds.
    pub(super) limit: AtomicUsize,
    /// The window's size, of which who claims takes a share.
    pub(super) window: AtomicUsize,
}

/// What workers read at each item, and somebody writes when it has to be known. It is with the notifier, which an
/// abort comes to from any thread.
pub(super) struct Wishes {
    /// Items from this index on are not begun any more: all of them after a cancel or an abort. A worker looks
    /// at each item; that it may see it late costs an item, so that it is relaxed.
    pub(super) halt: AtomicUsize,
    /// The index that the consumer waits for, or one of the two above. Written by the consumer
    /// under the lock and before a fence and a last look; read by workers at each result, after a
    /// fence unless they are quick; whoever rings resets it.
    pub(super) watch: AtomicUsize,
    /// There is something to look for in each result. Written under the lock, which a worker takes
    /// to learn what.
    pub(super) stops: AtomicBool,
}

impl Wishes {
    pub(super) fn new() -> Self {
        Self {
            halt: AtomicUsize::new(usize::MAX),
            watch: AtomicUsize::new(NOBODY),
            stops: AtomicBool::new(false),
        }
    }

    /// The consumer waits for the result at `index`, or for one of the same claim before it.
    #[inline(always)]
    pub(super) fn is_watched(&self, from: usize, index: usize) -> bool {
        let watch = self.watch.load(Ordering::Relaxed);
        watch != NOBODY && (watch.wrapping_sub(from) <= index - from || watch == ANYTHING)
    }
}

impl Signals {
    pub(super) fn new(plan: &Plan) -> Self {
        let window = Window::new(plan).size();
        Self {
            room: Padded(Room {
                limit: AtomicUsize::new(window),
                window: AtomicUsize::new(window),
            }),
            asleep: Padded(AtomicUsize::new(0)),
            item_ns: Padded(AtomicUsize::new(0)),
        }
    }
}
