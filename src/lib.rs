//! Map an iterator through stateful workers.
#![forbid(unsafe_code)]

pub use mtask_core::*;
pub use mtask_macros::delayed_init;
