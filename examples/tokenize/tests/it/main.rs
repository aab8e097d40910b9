//! Runs the program: each of its options, and each way in which it can fail.

mod bar;
mod errors;
mod input;
mod output;
mod resume;
mod util;
