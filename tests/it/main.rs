//! The integration tests: one binary, a module for each promise and each yardstick.

mod adaptors;
mod cancel;
#[cfg(feature = "tracing")]
mod collector;
mod context;
#[cfg(debug_assertions)]
mod hangs;
mod insight;
mod lifespan;
mod messages;
mod mtasklite;
mod own_worker;
mod placing;
mod pool;
mod promises;
mod property;
#[cfg(unix)]
mod resume;
mod retries;
mod stages;
#[cfg(feature = "stream")]
mod stream;
mod stress;
mod summaries;
#[cfg(feature = "tracing")]
mod tracing;
mod util;
mod word_count;
