//! Workers in processes, where there are any.

#![cfg(unix)]

#[cfg(target_os = "linux")]
mod astray;
mod basics;
#[cfg(target_os = "linux")]
mod batches;
mod both;
mod care;
#[cfg(feature = "tracing")]
#[allow(dead_code, reason = "the other binary needs more of it")]
#[path = "../it/collector.rs"]
mod collector;
mod crossing;
#[cfg(target_os = "linux")]
mod deep;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod ends;
mod faults;
mod forms;
#[cfg(target_os = "linux")]
mod kills;
mod limits;
#[cfg(all(feature = "stream", feature = "progress"))]
mod matrix;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod parent;
#[cfg(target_os = "linux")]
mod pool;
#[cfg(target_os = "linux")]
mod replaced;
mod stages;
#[cfg(target_os = "linux")]
mod storm;
mod system;
#[cfg(feature = "tracing")]
mod tracing;
#[allow(dead_code, unused_imports, unused_macros, reason = "the other binary needs more of it")]
#[path = "../it/util.rs"]
mod util;
#[cfg(target_os = "linux")]
mod waits;
mod worker;

mtask::test_entry!();
