//! The engine of [mtask](https://docs.rs/mtask): use it through that crate.

mod error;
mod finish;
mod spec;
mod sync;
mod worker;

pub use error::{BuildError, TaskError, TaskErrorKind, TaskErrors};
pub use finish::Finish;
pub use spec::{BoxSpec, FnSpec, FnWorker, InitSpec, Spec, init_fn, worker_fn};
pub use worker::Worker;

/// What the expansion of `#[delayed_init]` names: no part of the interface.
#[doc(hidden)]
pub mod __private;
