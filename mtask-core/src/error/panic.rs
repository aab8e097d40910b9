//! The payload of a panic, on its way to the consumer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::{Mutex, lock};

/// The payload of a caught panic and its message.
///
/// The payload is behind a mutex because it is not `Sync` and a [`TaskError`](super::TaskError)
/// has to be. It is dropped under `catch_unwind`: a payload may panic in its own destructor.
pub(crate) struct PanicPayload {
    message: Box<str>,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl PanicPayload {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = Self::text(&*payload).into();
        Self { message, payload: Mutex::new(Some(payload)) }
    }

    /// The message in a payload as `panic!` makes it.
    pub(crate) fn text(payload: &(dyn Any + Send)) -> &str {
        if let Some(text) = payload.downcast_ref::<&str>() {
            text
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text
        } else {
            "a panic whose payload is not a string"
        }
    }

    /// The panic's message, where its payload is a string as `panic!` makes it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The payload, for `resume_unwind`; the message stands in for one already taken.
    pub(crate) fn take(&self) -> Box<dyn Any + Send> {
        let taken = lock(&self.payload).take();
        taken.unwrap_or_else(|| Box::new(String::from(&*self.message)))
    }
}

impl Drop for PanicPayload {
    fn drop(&mut self) {
        let payload = lock(&self.payload).take();
        drop_caught(payload);
    }
}

/// Drops a value whose destructor may panic; true if it did.
pub(crate) fn drop_caught<T>(value: T) -> bool {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) else {
        return false;
    };
    // The payload of that second panic may panic in turn: it is leaked rather than dropped.
    std::mem::forget(payload);
    true
}
