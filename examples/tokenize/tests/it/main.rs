//! Runs the program: each of its options, and each way in which it can fail.

mod bar;
mod errors;
mod existing;
mod formats;
mod input;
#[cfg(target_os = "linux")]
mod lost;
mod messages;
mod names;
mod output;
mod resume;
#[cfg(unix)]
mod signals;
mod unreadable;
mod util;
