//! The integration tests: one binary, a module for each promise and each yardstick.

mod mtasklite;
mod pool;
mod promises;
mod property;
mod stress;
mod util;
