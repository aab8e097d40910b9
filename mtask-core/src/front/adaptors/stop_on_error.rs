//! The end at the first error.

use std::iter::FusedIterator;

use super::{RunInfo, Startable, TaskIterator};
use crate::TaskError;

/// The iterator of [`ParStateful::stop_on_error`](crate::ParStateful::stop_on_error).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct StopOnError<R> {
    /// Ended early by the error, with all that was in flight.
    pub(super) results: R,
}

impl<R: TaskIterator> StopOnError<R> {
    pub(super) fn new(mut results: R) -> Self {
        results.stop_after_error();
        Self { results }
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
        self.results.start_now();
        self
    }
}

impl<R: TaskIterator> Iterator for StopOnError<R> {
    type Item = Result<R::Output, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.results.next();
        if let Some(Err(_)) = item {
            self.results.run_mut().end_early();
        }
        item
    }

    /// An error may cut off everything after it: `(min(1, least), most)`.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.results.size_hint();
        (least.min(1), most)
    }
}

impl<R: TaskIterator> FusedIterator for StopOnError<R> {}
