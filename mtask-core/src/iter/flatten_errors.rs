//! One error for the engine's and the worker's.

use std::iter::FusedIterator;

use super::{DeferErrors, StopOnError, TaskIterator, Tasks};
use crate::TaskError;
use crate::backend::{Finished, sealed::Sealed};
use crate::care::is_panic;
use crate::error::BoxError;

/// The iterator of [`ParStateful::flatten_errors`](crate::ParStateful::flatten_errors).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct FlattenErrors<R> {
    results: R,
}

impl<R> FlattenErrors<R> {
    pub(super) fn new<T, E>(mut results: R) -> Self
    where
        R: Tasks<Output = Result<T, E>>,
    {
        results.try_again(|result| is_panic(result) || matches!(result, Ok(Err(_))));
        Self { results }
    }

    /// The iterator whose errors are flattened: for what it can tell of the run.
    pub fn get_ref(&self) -> &R {
        &self.results
    }

    /// The iterator whose errors were flattened: for its summaries.
    pub fn into_inner(self) -> R {
        self.results
    }

    /// As [`ParStateful::stop_on_error`](crate::ParStateful::stop_on_error), for the worker's own
    /// errors too.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(["1", "x", "3"], 2, |s: &str| s.parse::<u8>());
    /// assert_eq!(results.flatten_errors().stop_on_error().count(), 2);
    /// ```
    pub fn stop_on_error(self) -> StopOnError<Self>
    where
        Self: TaskIterator,
    {
        StopOnError::new(self)
    }

    /// As [`ParStateful::defer_errors`](crate::ParStateful::defer_errors), for the worker's own
    /// errors too.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(["1", "x", "3"], 2, |s: &str| s.parse::<u8>());
    /// let errors = results.flatten_errors().defer_errors().find_map(Result::err).unwrap();
    /// assert_eq!(errors.count(), 1);
    /// ```
    pub fn defer_errors(self) -> DeferErrors<Self>
    where
        Self: TaskIterator,
    {
        DeferErrors::new(self)
    }
}

impl<R> Sealed for FlattenErrors<R> {}

impl<R, T, E> TaskIterator for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = T;

    fn stop_after_error(&mut self) {
        // The engine sees the results before they are flat.
        self.results.stop_after(|result| !matches!(result, Ok(Ok(_))));
    }
}

impl<R, T, E> Iterator for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Finished { index, worker, result } = self.results.next_finished()?;
        Some(result.and_then(|output| {
            output.map_err(|error| {
                self.results.note_error(worker);
                TaskError::failed(index, worker, self.results.attempts(), error.into())
            })
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<R, T, E> ExactSizeIterator for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>> + ExactSizeIterator,
    E: Into<BoxError>,
{
    fn len(&self) -> usize {
        self.results.len()
    }
}

impl<R, T, E> FusedIterator for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>>,
    E: Into<BoxError>,
{
}
