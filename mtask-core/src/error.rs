//! What can go wrong, and how it is told.

mod build;
#[cfg(all(feature = "processes", unix, not(loom)))]
mod elsewhere;
mod many;
mod panic;
#[cfg(all(feature = "processes", unix, not(loom)))]
mod process_end;
mod task;

pub use build::BuildError;
#[cfg(all(feature = "processes", unix, not(loom)))]
pub(crate) use elsewhere::Elsewhere;
pub use many::TaskErrors;
pub(crate) use panic::{PanicPayload, drop_caught};
#[cfg(all(feature = "processes", unix, not(loom)))]
pub(crate) use process_end::ProcessEnd;
pub(crate) use task::GivenUp;
pub use task::{TaskError, TaskErrorKind};

/// What an error carries as its cause.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Shows an error with its causes, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
