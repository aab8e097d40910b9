//! What every run shares, wherever its workers are: the life of a worker, what becomes of its items, the loop at the
//! bridge, the threads, and the consumer's side.

pub(crate) mod builds;
pub(crate) mod cancel;
pub(crate) mod claim_size;
pub(crate) mod consumer;
pub(crate) mod control;
pub(crate) mod exit;
pub(crate) mod fed;
pub(crate) mod job;
pub(crate) mod lifecycle;
pub(crate) mod nested;
pub(crate) mod policy;
pub(crate) mod pulled;
pub(crate) mod source;
pub(crate) mod team;
pub(crate) mod worker_loop;
