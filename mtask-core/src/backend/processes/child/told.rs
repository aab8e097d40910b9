//! What a child tells of builds and panics.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::frame;
use super::super::remote::RemoteError;
use crate::error::{BoxError, PanicPayload, drop_caught};
use crate::{BuildError, TaskError};

/// What kept a worker from being built.
#[derive(Serialize, Deserialize)]
pub(in crate::backend::processes) enum NotBuilt {
    Returned(RemoteError),
    Panicked(Panic),
    /// It never came to that.
    Refused(String),
}

impl NotBuilt {
    /// As the error of an item, or of a build asked for at the start.
    pub(in crate::backend::processes) fn into_error(
        self,
        index: Option<usize>,
        worker: usize,
    ) -> TaskError {
        match self {
            Self::Returned(error) => {
                TaskError::build_failed(index, worker, BuildError::from(BoxError::from(error)))
            }
            Self::Panicked(panic) => {
                TaskError::build_panicked(index, worker, Box::new(panic.message))
            }
            Self::Refused(reason) => {
                TaskError::build_failed(index, worker, BuildError::from(reason))
            }
        }
    }
}

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(error) => write!(f, "{error:?}"),
            Self::Panicked(panic) => f.write_str(&panic.message),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

impl NotBuilt {
    /// Cuts what is too long to be told.
    pub(super) fn shortened(mut self) -> Self {
        match &mut self {
            Self::Returned(error) => error.shorten(frame::TEXT),
            Self::Panicked(panic) => frame::shorten(&mut panic.message, frame::TEXT),
            Self::Refused(reason) => frame::shorten(reason, frame::TEXT),
        }
        self
    }
}

/// A panic, told.
#[derive(Serialize, Deserialize)]
pub(in crate::backend::processes) struct Panic {
    pub(in crate::backend::processes) message: String,
    pub(in crate::backend::processes) location: Option<String>,
}

thread_local! {
    /// Where the last panic on this thread was.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics note where they are, and be shown as before.
pub(super) fn note_locations() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        LOCATION.set(info.location().map(ToString::to_string));
        before(info);
    }));
}

/// How tokio's panics begin where a runtime is used, or dropped, inside another.
const WITHIN_RUNTIME: [&str; 2] =
    ["Cannot start a runtime from within a runtime", "Cannot drop a runtime in a context where"];
const PLAIN_MAIN: &str = " (a worker's process runs inside `mtask::init()`: if that is called in an `async fn \
     main`, make `main` a plain function that calls it first and builds the runtime afterwards)";

impl Panic {
    pub(super) fn caught(payload: Box<dyn Any + Send>) -> Self {
        let mut message = PanicPayload::text(&*payload).to_owned();
        drop_caught(payload);
        if WITHIN_RUNTIME.iter().any(|begin| message.starts_with(begin)) {
            message.push_str(PLAIN_MAIN);
        }
        frame::shorten(&mut message, frame::TEXT);
        Self { message, location: LOCATION.take() }
    }
}
