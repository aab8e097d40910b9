//! One error for the engine's and the worker's.

use std::iter::FusedIterator;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll, ready};

#[cfg(feature = "stream")]
use futures_core::Stream;

#[cfg(feature = "stream")]
use super::PollTask;
use super::{DeferErrors, NextTask, PropagatePanics, Startable, StopOnError, TaskIterator, Tasks};
use crate::TaskError;
use crate::backend::Finished;
use crate::messages::IntoCause;
use crate::run::policy::Place;

/// The iterator of [`ParStateful::flatten_errors`](crate::ParStateful::flatten_errors).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct FlattenErrors<R> {
    pub(super) results: R,
}

impl<R> FlattenErrors<R> {
    #[track_caller]
    pub(super) fn new<T, E>(mut results: R) -> Self
    where
        R: Tasks<Output = Result<T, E>>,
        E: IntoCause,
    {
        results.flatten_at_workers(|output: Result<T, E>, &Place { index, worker, attempt }| {
            match output {
                Ok(output) => Ok(Ok(output)),
                Err(error) => Err(R::error(Some(index), Some(worker), attempt, error.into())),
            }
        });
        Self { results }
    }

    /// Starts the run now: as [`ParStateful::start`](crate::ParStateful::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x.checked_add(1).ok_or("too large")).flatten_errors().start();
    /// // ... and while something else is done here, the window fills up.
    /// assert_eq!(results.count(), 10);
    /// ```
    pub fn start(mut self) -> Self
    where
        Self: Startable,
    {
        self.start_now();
        self
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

    /// As [`ParStateful::propagate_panics`](crate::ParStateful::propagate_panics): the worker's own errors panic too.
    ///
    /// # Panics
    ///
    /// `next()` panics with the worker's own payload where the worker panicked, and with the error's text for any
    /// other error.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let numbers = par_map(["1", "2"], 2, |s: &str| s.parse::<u8>());
    /// assert_eq!(numbers.flatten_errors().propagate_panics().sum::<u8>(), 3);
    /// ```
    pub fn propagate_panics(self) -> PropagatePanics<Self>
    where
        Self: TaskIterator,
    {
        PropagatePanics::new(self)
    }
}

impl<R, T, E> TaskIterator for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>>,
    E: IntoCause,
{
    type Output = T;

    fn hint(&self) -> (usize, Option<usize>) {
        self.results.hint()
    }

    fn stop_after_error(&mut self) {
        // The engine sees the results before they are flat.
        self.results.stop_after(|result| !matches!(result, Ok(Ok(_))));
    }
}

impl<R, T, E> Startable for FlattenErrors<R>
where
    R: Tasks<Output = Result<T, E>> + Startable,
    E: IntoCause,
{
    fn start_now(&mut self) {
        self.results.start_now();
    }
}

impl<R: Tasks> FlattenErrors<R> {
    /// The one error of a result.
    fn flat<T, E>(&mut self, finished: Finished<R::Output>) -> Result<T, TaskError>
    where
        R: Tasks<Output = Result<T, E>>,
        E: IntoCause,
    {
        let Finished { index, worker, result } = finished;
        result?.map_err(|error| {
            self.results.note_error(worker);
            // With retries a worker's error has been flattened, and one of the source has no attempts.
            R::error(index, worker, 1, error.into())
        })
    }
}

impl<R, T, E> Iterator for FlattenErrors<R>
where
    R: NextTask<Output = Result<T, E>>,
    E: IntoCause,
{
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let finished = self.results.next_finished()?;
        Some(self.flat(finished))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.hint()
    }
}

impl<R, T, E> ExactSizeIterator for FlattenErrors<R>
where
    R: NextTask<Output = Result<T, E>> + ExactSizeIterator,
    E: IntoCause,
{
}

impl<R, T, E> FusedIterator for FlattenErrors<R>
where
    R: NextTask<Output = Result<T, E>>,
    E: IntoCause,
{
}

#[cfg(feature = "stream")]
impl<R, T, E> Stream for FlattenErrors<R>
where
    R: PollTask<Output = Result<T, E>>,
    E: IntoCause,
{
    type Item = Result<T, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let finished = ready!(self.results.poll_finished(task));
        Poll::Ready(finished.map(|finished| self.flat(finished)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.hint()
    }
}
