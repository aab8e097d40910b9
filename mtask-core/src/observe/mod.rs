//! What can be seen of a run: counters and their table, the bar, events.

#[cfg(feature = "progress")]
pub(crate) mod progress;
pub(crate) mod stats;
pub(crate) mod trace;
