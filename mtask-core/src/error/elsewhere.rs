//! What happens only to a worker in a process of its own.

use std::fmt;
use std::time::Duration;

use super::{ProcessEnd, TaskErrorKind};

/// Why there is no output from a worker in another process.
#[derive(Debug)]
pub(crate) enum Elsewhere {
    /// It panicked, and the payload stayed there.
    Panicked { message: String, location: Option<String> },
    /// Its process ended, with the item or the build in progress, or before it had finished.
    Lost { status: ProcessEnd, building: bool },
    /// Its process was ended for the time that the item or the build took.
    TimedOut { limit: Duration, building: bool },
    /// Its process was ended since it had not finished in time, by that option.
    Unfinished { limit: Duration, option: &'static str },
    /// Its process was ended since it did not come to `init` within that time.
    Late(Duration),
    /// Its process was ended for what it answered.
    Astray(&'static str),
    /// The input was not sent.
    NotSent(String),
    /// The input was not understood there, or the output did not come back.
    NoResult(String),
}

impl Elsewhere {
    pub(crate) fn kind(&self) -> TaskErrorKind {
        match self {
            Self::Panicked { .. } => TaskErrorKind::Panicked,
            Self::Lost { .. } | Self::Astray(_) => TaskErrorKind::WorkerLost,
            Self::TimedOut { .. } | Self::Unfinished { .. } | Self::Late(_) => {
                TaskErrorKind::TimedOut
            }
            Self::NotSent(_) | Self::NoResult(_) => TaskErrorKind::NotSent,
        }
    }

    pub(super) fn panic_message(&self) -> Option<&str> {
        match self {
            Self::Panicked { message, .. } => Some(message),
            _ => None,
        }
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { message, location: None } => write!(f, "panicked: {message}"),
            Self::Panicked { message, location: Some(location) } => {
                write!(f, "panicked at {location}: {message}")
            }
            Self::Lost { status, building: false } => {
                write!(f, "was lost: its process ended with {status}")
            }
            Self::Lost { status, building: true } => {
                write!(f, "was lost while it was built: its process ended with {status}")
            }
            Self::TimedOut { limit, building: false } => {
                write!(f, "took longer than {limit:?}, and its process was ended")
            }
            Self::TimedOut { limit, building: true } => {
                write!(f, "took longer than {limit:?} to be built, and its process was ended")
            }
            Self::Unfinished { limit, option } => write!(
                f,
                "took longer than {limit:?}, the `{option}`, to finish, and its process was ended"
            ),
            Self::Late(limit) => write!(
                f,
                "was not built: its process did not come to `mtask::init()` within {limit:?}; make that the \
                 first line of `main`, or set a longer `Processes::start_timeout`"
            ),
            Self::Astray(what) => write!(f, "was lost: {what}, and its process was ended"),
            Self::NotSent(reason) => write!(f, "was not sent it: {reason}"),
            Self::NoResult(reason) => write!(f, "gave no result: {reason}"),
        }
    }
}
