//! Ending a run in order, from anywhere.

use std::fmt;

use crate::Ended;
use crate::observe::trace::Handle;
use crate::run::control::Control;
use crate::sync::Arc;

/// Ends a run in order, from any thread; from [`ParStateful::cancel_handle`](crate::ParStateful::cancel_handle).
///
/// After [`cancel`](CancelHandle::cancel) nothing more is pulled from the source. What has been pulled is run and
/// yielded, in order, and then the iterator ends: so that what was yielded is what is before one point in
/// the source, and the run can be taken up there. A source that blocks is not waited for: an item that it gives
/// after everything else has been yielded is dropped. The consumer learns of it in its next `next()`, or
/// is woken if it is inside one; until then workers go on, as far as the window allows. A worker at a long item
/// can look at [`Context::is_cancelled`](crate::Context::is_cancelled).
///
/// For an end at once, drop the iterator.
///
/// # Examples
///
/// ```
/// use mtask::par_map;
///
/// let mut results = par_map(0.., 2, |x: u64| x * x); // no end
/// let handle = results.cancel_handle();
/// let done = results.by_ref().inspect(|square| {
///     if square.as_ref().is_ok_and(|&square| square >= 10_000) {
///         handle.cancel(); // or in another thread, on Ctrl-C
///     }
/// });
/// let done: Vec<u64> = done.collect::<Result<_, _>>()?;
/// assert!(done.len() > 100);
/// assert!(done.iter().zip(0..).all(|(square, x)| *square == x * x)); // to take it up: 0.. .skip(done.len())
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[derive(Clone)]
#[must_use = "it ends nothing until `cancel` is called"]
pub struct CancelHandle {
    pub(crate) control: Arc<Control>,
    pub(crate) trace: Handle,
}

impl CancelHandle {
    /// Ends the run in order; a second time does nothing, nor does it after the end. Takes no lock for
    /// longer than waking the consumer does, so that it may be called by the thread of a signal handler, though
    /// not by the handler itself. With the feature `tracing` it tells the run's subscriber, before it returns.
    pub fn cancel(&self) {
        if self.control.close() {
            self.trace.cancelled();
        }
    }

    /// How the run ended; `None` until it has. As [`ParStateful::ended`](crate::ParStateful::ended), for a run that
    /// `collect` or a loop has used up.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::prelude::*;
    ///
    /// let results = par_map(0..10, 2, |x: u64| x * x);
    /// let handle = results.cancel_handle();
    /// let squares: Vec<u64> = results.collect::<Result<_, _>>()?;
    /// assert_eq!((squares.len(), handle.ended()), (10, Some(Ended::Complete)));
    /// # Ok::<(), TaskError>(())
    /// ```
    pub fn ended(&self) -> Option<Ended> {
        self.control.ended()
    }

    /// True once [`cancel`](CancelHandle::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.control.is_closed()
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("cancelled", &self.is_cancelled()).finish()
    }
}
