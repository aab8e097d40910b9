//! What a run tells of itself: counters and their table, the bar, events.

#[cfg(feature = "progress")]
pub(crate) mod progress;
pub(crate) mod stats;
pub(crate) mod trace;
