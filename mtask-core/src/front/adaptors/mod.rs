//! Adaptors that change the item.

mod defer_errors;
mod flatten_errors;
mod has_run;
mod late;
mod propagate_panics;
mod stop_on_error;

pub use defer_errors::DeferErrors;
pub use flatten_errors::FlattenErrors;
pub use has_run::{HasRun, RunInfo, Summarized};
pub use late::OptionsComeFirst;
pub use propagate_panics::PropagatePanics;
pub use stop_on_error::StopOnError;

#[cfg(feature = "stream")]
use std::task::{Context, Poll};

#[cfg(feature = "stream")]
use crate::backend::LaunchPolled;
use crate::backend::{Blocking, Concurrent, Finished, Start, StopWhen, sealed::Sealed};
use crate::error::BoxError;
use crate::messages::{Fallible, IntoCause};
use crate::run::policy::Flatten;
use crate::{ParStateful, TaskError, Worker};

/// The results of tasks, which `stop_on_error` and `defer_errors` adapt: an iterator of them or a stream, each a
/// `Result<Self::Output, TaskError>`.
///
/// Sealed; implemented by [`ParStateful`] and [`FlattenErrors`]. The adaptors are inherent methods
/// of those, so that they need no import.
pub trait TaskIterator: HasRun {
    /// What a task makes.
    type Output;

    /// How many results are still to come: as [`Iterator::size_hint`].
    #[doc(hidden)]
    fn hint(&self) -> (usize, Option<usize>);

    /// Ends the run after the first result that is an error here: no further item is claimed.
    #[doc(hidden)]
    fn stop_after_error(&mut self);
}

/// A [`TaskIterator`] whose results are as the engine gave them, with index and worker.
///
/// Sealed; implemented by [`ParStateful`].
pub trait Tasks: TaskIterator {
    /// Ends the run after the first result for which `stop` holds.
    #[doc(hidden)]
    fn stop_after(&mut self, stop: StopWhen<Self::Output>);

    /// Counts an error that the engine took for a success.
    #[doc(hidden)]
    fn note_error(&mut self, worker: Option<usize>);

    /// Has outputs that `flatten` makes errors of tried again, where that was asked for.
    #[doc(hidden)]
    fn flatten_at_workers(&mut self, flatten: Flatten<Self::Output>);

    /// What becomes of an error in the output of an item that was begun so often.
    #[doc(hidden)]
    fn error(
        index: Option<usize>,
        worker: Option<usize>,
        attempts: usize,
        error: BoxError,
    ) -> TaskError;
}

/// [`Tasks`] that are an iterator.
///
/// Sealed; implemented by [`ParStateful`].
pub trait NextTask: Tasks {
    /// The next result.
    #[doc(hidden)]
    fn next_finished(&mut self) -> Option<Finished<Self::Output>>;
}

/// [`Tasks`] that are a stream.
///
/// Sealed; implemented by [`ParStateful`].
#[cfg(feature = "stream")]
pub trait PollTask: Tasks + Unpin {
    /// The next result.
    #[doc(hidden)]
    fn poll_finished(&mut self, task: &mut Context<'_>) -> Poll<Option<Finished<Self::Output>>>;
}

/// A [`TaskIterator`] whose workers run beside its consumer, so that they can be started before the first
/// item is asked for.
///
/// Sealed; implemented by [`ParStateful`] and [`FlattenErrors`].
#[diagnostic::on_unimplemented(
    message = "there is nothing to start: the run is on its caller's thread",
    label = "cannot be started",
    note = "with `.inline()` each item is run by the `next()` that asks for it: leave out `.start()`"
)]
pub trait Startable: TaskIterator {
    /// Starts the run, unless it has started.
    #[doc(hidden)]
    fn start_now(&mut self);
}

impl<I, S, W, B> Startable for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Concurrent,
{
    fn start_now(&mut self) {
        self.start_now();
    }
}

impl<I, S, W, B> Sealed for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
}

impl<I, S, W, B> TaskIterator for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    type Output = W::Output;

    fn hint(&self) -> (usize, Option<usize>) {
        self.tasks_hint()
    }

    fn stop_after_error(&mut self) {
        self.stop_when(|result| result.is_err());
    }
}

impl<I, S, W, B> Tasks for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    fn stop_after(&mut self, stop: StopWhen<W::Output>) {
        self.stop_when(stop);
    }

    fn note_error(&mut self, worker: Option<usize>) {
        self.count_error(worker);
    }

    #[track_caller]
    fn flatten_at_workers(&mut self, flatten: Flatten<W::Output>) {
        self.flatten_at_workers(flatten);
    }

    fn error(
        index: Option<usize>,
        worker: Option<usize>,
        attempts: usize,
        error: BoxError,
    ) -> TaskError {
        if W::passes_errors() {
            TaskError::passed(index, error)
        } else {
            TaskError::failed(index, worker, attempts, error)
        }
    }
}

impl<I, S, W, B> NextTask for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Blocking,
{
    fn next_finished(&mut self) -> Option<Finished<W::Output>> {
        self.next_task()
    }
}

#[cfg(feature = "stream")]
impl<I, S, W, B> PollTask for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: LaunchPolled<I, S, W>,
{
    fn poll_finished(&mut self, task: &mut Context<'_>) -> Poll<Option<Finished<W::Output>>> {
        self.poll_task(task)
    }
}

/// Adaptors that change the item.
impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    /// Makes one flat `Result<T, TaskError>` of an output that is a `Result<T, E>`: the worker's
    /// own error becomes a [`TaskError`] of kind [`Failed`](crate::TaskErrorKind::Failed), with
    /// index and worker, and the error as its source. With [`retries`](ParStateful::retries) it is tried
    /// again first.
    ///
    /// # Panics
    ///
    /// Where the run has started with retries: by then it has been settled that errors of the worker's own
    /// are not tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{TaskErrorKind, par_map};
    ///
    /// let mut numbers = par_map(["1", "x"], 2, |s: &str| s.parse::<u8>()).flatten_errors();
    /// assert_eq!(numbers.next().unwrap()?, 1);
    /// let error = numbers.next().unwrap().unwrap_err();
    /// assert_eq!(error.kind(), TaskErrorKind::Failed);
    /// assert_eq!(error.index(), Some(1));
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    #[track_caller]
    pub fn flatten_errors<T, E>(self) -> FlattenErrors<Self>
    where
        W::Output: Fallible,
        Self: Tasks<Output = Result<T, E>>,
        E: IntoCause,
    {
        FlattenErrors::new(self)
    }

    /// Ends after the first error: what came before it, then the error, then nothing.
    ///
    /// The engine stops with it: no further item is claimed or pulled once a worker has failed,
    /// but for items that come before. Looks at the item's outer `Result`; after
    /// [`flatten_errors`](ParStateful::flatten_errors) that is the worker's own error too.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results: Vec<_> = par_map([5, 0, 20], 2, |x: u32| 100 / x).stop_on_error().collect();
    /// assert_eq!(results.len(), 2);
    /// assert!(results[0].is_ok() && results[1].is_err());
    /// ```
    pub fn stop_on_error(self) -> StopOnError<Self> {
        StopOnError::new(self)
    }

    /// Yields the successes as they come and, where anything failed, one
    /// [`TaskErrors`](crate::TaskErrors) at the end. Looks at the same `Result` as
    /// [`stop_on_error`](ParStateful::stop_on_error).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let mut results = par_map([5, 0, 20], 2, |x: u32| 100 / x).defer_errors();
    /// assert_eq!(results.next().unwrap()?, 20);
    /// assert_eq!(results.next().unwrap()?, 5);
    /// let errors = results.next().unwrap().unwrap_err();
    /// assert_eq!(errors.count(), 1);
    /// # Ok::<(), mtask::TaskErrors>(())
    /// ```
    pub fn defer_errors(self) -> DeferErrors<Self> {
        DeferErrors::new(self)
    }

    /// Yields bare outputs: a panic of a worker resumes in the consumer.
    ///
    /// # Panics
    ///
    /// `next()` panics with the worker's own payload where the worker panicked, and with the
    /// error's text for any other [`TaskError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let lengths: Vec<usize> = par_map(["a", "bc"], 2, |s: &str| s.len()).propagate_panics().collect();
    /// assert_eq!(lengths, [1, 2]);
    /// ```
    pub fn propagate_panics(self) -> PropagatePanics<Self> {
        PropagatePanics::new(self)
    }
}
