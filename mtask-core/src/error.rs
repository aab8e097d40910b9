//! What can go wrong, and how it is told.

mod build;
mod many;
mod panic;
mod task;

pub use build::BuildError;
pub use many::TaskErrors;
pub(crate) use panic::PanicPayload;
pub use task::{TaskError, TaskErrorKind};

/// What an error carries as its cause.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
