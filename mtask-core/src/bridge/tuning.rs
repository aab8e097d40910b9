//! The numbers of the bridge that were tuned, in one place: the value, its unit, and why. Those of a model are as small as
//! can be.
//!
//! Times of items are a running mean of what claims took (`item_ns`), in nanoseconds; 0 is not known, and so is no such item.

use std::ops::Range;
use std::time::Duration;

/// As a number of looks in a model: none, or every look would be one more interleaving.
const fn looks(count: u32) -> u32 {
    if cfg!(loom) { 0 } else { count }
}

// What items are cheap for. Each is compared with what an item takes.

/// Items (ns) about as cheap for the consumer as for the worker: it runs into the worker it takes from, and a cache line
/// goes back and forth for each few of them.
pub(super) const IN_STEP: Range<usize> = 1..16;
/// Items (ns) so cheap that all in flight are done sooner than a thread wakes: a worker does better to look again than
/// to sleep.
pub(super) const NO_SLEEP: Range<usize> = 1..10_000;
/// Items (ns) for each of which a fence is expensive: they are claimed, pulled and fed many at a time.
pub(crate) const QUICK: Range<usize> = 1..30_000;
/// Items (ns) for each of which waking the consumer costs as much: it sleeps for a group of them.
pub(super) const GROUPED: Range<usize> = 1..250_000;

// How a worker waits.

/// How often a worker that finds nothing to do looks again before it sleeps, of items that are [`NO_SLEEP`]; and so often
/// the consumer.
pub(super) const LOOKS: u32 = looks(24);
/// How often a worker that finds another one in the source waits for it before it sleeps: to pull an item mostly takes
/// less than to wake a thread.
pub(super) const PAUSES: u32 = looks(16);
/// How long a thread sleeps at the most that may miss a wake-up for want of a fence.
pub(super) const UNFENCED: Duration = Duration::from_millis(100);

// How the consumer waits.

/// How long (ns) the workers take for a group that the consumer sleeps for, at least: as long as waking it takes.
pub(super) const SHORTEST_GROUP: usize = 25_000;
/// How long (ns) they take for it at the most.
pub(super) const LONGEST_GROUP: usize = 1_500_000;
/// After which time the consumer wakes by itself, should they take longer: as long as a cheap result may wait.
pub(super) const GROUP_LIMIT: Duration = Duration::from_micros(1_900);
/// So few results, at the most, are worth a wait for more, of items that are [`IN_STEP`].
pub(super) const FEW: usize = if cfg!(loom) { 0 } else { 128 };
/// How long it then waits for the worker to get ahead: for some hundred items.
pub(super) const LEAD: Duration = Duration::from_micros(6);
/// How many items are pulled in one poll, where no result comes of them: a source that always has one must not keep the
/// executor from its other tasks.
#[cfg(feature = "stream")]
pub(super) const POLLED: usize = 128;

// Claims.

/// How long a claim is to take: long enough for what is done once a claim to cost next to nothing,
/// and short enough for nobody to miss what is in it, before it is old enough to be stolen from.
#[cfg_attr(loom, allow(dead_code))]
pub(crate) const CLAIM: Duration = Duration::from_millis(1);
/// The most items in a claim.
#[cfg_attr(loom, allow(dead_code))]
pub(crate) const MOST_IN_CLAIM: usize = 2048;
/// How long what a worker takes from its hand at a time, out of the reach of others, is to take: some
/// hundred times as long as taking it, and no longer than it takes to wake one of the others.
#[cfg_attr(loom, allow(dead_code))]
pub(crate) const STEP: Duration = Duration::from_micros(12);
/// The most items of a step, should they all turn out to be expensive.
#[cfg_attr(loom, allow(dead_code))]
pub(crate) const MOST_IN_STEP: usize = 32;
/// In how many steps a claim is taken from the hand at least.
pub(super) const STEPS: usize = 16;
/// After how many claims of every worker a claim is so old that others take from it before they pull anything new.
pub(super) const OLD: usize = 8;
/// After so many items the only worker of a run looks at the clock, and ends its turn where that has taken a [`CLAIM`].
pub(super) const TIMED: usize = 32;

// The window.

/// Items for each worker to begin with.
pub(super) const LEAST_IN_WINDOW: usize = 16;
/// The most items, unless the least for each worker is more.
pub(super) const MOST_IN_WINDOW: usize = 4_096;
/// The same for items or results that may own something elsewhere, whose size is not known.
pub(super) const MOST_OWNING: usize = 2_048;
/// The most bytes of them, with the same exception.
pub(super) const WINDOW_BYTES: usize = 2 << 20;
/// How much work (ns) for each worker there is to be in a window: some times as long as a
/// consumer of cheap items sleeps, since it may take as long again to get a processor.
pub(super) const WINDOW_WORK: usize = 8_000_000;

// Memory.

/// The most bytes of items in a block, unless one item alone is larger.
pub(super) const BLOCK_BYTES: usize = 16 * 1024;
/// The most blocks that are kept to be used again.
pub(super) const SPARES: usize = 8;
