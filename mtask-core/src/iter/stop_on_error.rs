//! The end at the first error.

use std::iter::FusedIterator;

use super::{Startable, TaskIterator};
use crate::{CancelHandle, TaskError};

/// The iterator of [`ParStateful::stop_on_error`](crate::ParStateful::stop_on_error).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct StopOnError<R> {
    /// `None` after the error: the run has been dropped, and with it all that was in flight.
    results: Option<R>,
    /// Of the run, also once it has been dropped.
    handle: CancelHandle,
}

impl<R: TaskIterator> StopOnError<R> {
    pub(super) fn new(mut results: R) -> Self {
        results.stop_after_error();
        let handle = results.handle();
        Self { results: Some(results), handle }
    }

    /// A handle that ends the run in order, from anywhere: as
    /// [`ParStateful::cancel_handle`](crate::ParStateful::cancel_handle).
    pub fn cancel_handle(&self) -> CancelHandle {
        self.handle.clone()
    }

    /// Starts the run now: as [`ParStateful::start`](crate::ParStateful::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x).stop_on_error().start();
    /// // ... and while something else is done here, the window fills up.
    /// assert_eq!(results.count(), 10);
    /// ```
    pub fn start(mut self) -> Self
    where
        R: Startable,
    {
        if let Some(results) = &mut self.results {
            results.start_now();
        }
        self
    }
}

impl<R: TaskIterator> Iterator for StopOnError<R> {
    type Item = Result<R::Output, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.results.as_mut()?.next();
        if let Some(Err(_)) = item {
            self.results = None;
        }
        item
    }

    /// An error may cut off everything after it: `(min(1, least), most)`.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(results) = &self.results else { return (0, Some(0)) };
        let (least, most) = results.size_hint();
        (least.min(1), most)
    }
}

impl<R: TaskIterator> FusedIterator for StopOnError<R> {}
