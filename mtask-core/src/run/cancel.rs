//! Ending a run in order, from anywhere.

use std::fmt;

use crate::Ended;
use crate::observe::trace::Handle;
use crate::run::control::Control;
use crate::sync::Arc;

/// Ends a run from any thread, gracefully or at once; from [`ParStateful::cancel_handle`](crate::ParStateful::cancel_handle).
///
/// After [`cancel`](CancelHandle::cancel) nothing more is pulled from the source. What has been pulled is run and
/// yielded, in order, and then the iterator ends: so that what was yielded is what is before one point in
/// the source, and the run can be taken up there. A source that blocks is not waited for: an item that it gives
/// after everything else has been yielded is dropped. The consumer learns of it in its next `next()`, or
/// is woken if it is inside one; until then workers go on, as far as the window allows. A worker at a long item
/// can look at [`Context::is_cancelled`](crate::Context::is_cancelled).
///
/// After [`abort`](CancelHandle::abort) nothing more is begun either: what is in flight and not finished yields an error. To
/// drop the iterator is an end at once that yields nothing.
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

    /// Ends the run at once: nothing more is pulled from the source, and no item is begun.
    ///
    /// What is in progress is waited for, at most for the
    /// [`shutdown_timeout`](crate::ParStateful::shutdown_timeout): without one as long as it takes in threads, which cannot
    /// be killed, and 5 s in processes, which are killed then. All pauses end. Then each item that was pulled and not
    /// yielded yields one: its result if it is finished, else an error of the kind
    /// [`Aborted`](crate::TaskErrorKind::Aborted); one that waited for its next attempt yields its last error. They
    /// come in input order, and then the iterator ends with [`Ended::Aborted`]; or with [`Ended::Complete`], if all of
    /// the source had been finished.
    ///
    /// A second time does nothing, nor does it after the end; it may follow a [`cancel`](CancelHandle::cancel). Before
    /// the start nothing is pulled. The consumer hears of it in its next `next()`, or is woken if it is inside one;
    /// workers hear of it at once. A source that the consumer pulls itself
    /// ([`par_stateful_local`](crate::par_stateful_local)) holds it while it blocks. A thread that is inside any other
    /// source is left there after 10 ms. Stages in the source end with the run. As `cancel` it may be called from
    /// any thread: from a worker, from the source, or by the thread of a signal handler, though not by the handler
    /// itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::prelude::*;
    ///
    /// let mut results = par_map(0.., 2, |x: u64| x * x);
    /// let handle = results.cancel_handle();
    /// let mut done = 0;
    /// for square in results.by_ref() {
    ///     match square {
    ///         Ok(_) => done += 1,
    ///         Err(error) => assert_eq!(error.kind(), TaskErrorKind::Aborted),
    ///     }
    ///     if done == 100 {
    ///         handle.abort(); // or in another thread, on the second Ctrl-C
    ///     }
    /// }
    /// assert!(done >= 100);
    /// assert_eq!(results.ended(), Some(Ended::Aborted));
    /// ```
    pub fn abort(&self) {
        if self.control.abort() {
            self.trace.aborted();
        }
    }

    /// True once [`abort`](CancelHandle::abort) was called.
    ///
    /// # Examples
    ///
    /// ```
    /// let results = mtask::par_map(0..10, 2, |x: u64| x);
    /// let handle = results.cancel_handle();
    /// handle.abort();
    /// assert!(handle.is_aborted() && !handle.is_cancelled());
    /// assert_eq!(results.count(), 0);
    /// ```
    pub fn is_aborted(&self) -> bool {
        self.control.is_aborted()
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
        f.debug_struct("CancelHandle")
            .field("cancelled", &self.is_cancelled())
            .field("aborted", &self.is_aborted())
            .finish()
    }
}
