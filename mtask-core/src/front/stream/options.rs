//! The options of a run that is awaited: those of the iterator.

use std::time::Duration;

use super::ParStatefulAsync;
use crate::backend::{Backend, Concurrent};
use crate::messages::Repeatable;
#[cfg(feature = "progress")]
use crate::observe::progress::ProgressOptions;
use crate::{ParStateful, Worker};

/// Options of every run, as those of [`ParStateful`].
///
/// # Panics
///
/// Each of these panics once the run has started: options come before the first poll.
///
/// # Examples
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use mtask::{Spec, par_stateful_stream, worker_fn};
///
/// let specs = worker_fn(|x: u32| 100 / x).times(2);
/// let results = par_stateful_stream(stream::iter([5, 0, 2]), specs)
///     .build_now()
///     .retries(1)
///     .lifespan(100);
/// let results: Vec<_> = futures_executor::block_on(results.collect());
/// assert_eq!(results[0].as_ref().unwrap(), &20);
/// assert_eq!(results[1].as_ref().unwrap_err().attempts(), 2);
/// ```
impl<I, S, W, B> ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// Builds every worker at the start, before an item is pulled: see [`ParStateful::build_now`].
    #[track_caller]
    pub fn build_now(self) -> Self {
        self.with(ParStateful::build_now)
    }

    /// Tries an item that panicked again, up to `n` times: see [`ParStateful::retries`].
    #[track_caller]
    pub fn retries(self, n: usize) -> Self
    where
        W::Input: Repeatable,
    {
        self.with(|run| run.retries(n))
    }

    /// As [`retries`](Self::retries), and waits for `delay` before each further time: see
    /// [`ParStateful::retries_after`]. It is the worker's thread that waits.
    #[track_caller]
    pub fn retries_after(self, n: usize, delay: Duration) -> Self
    where
        W::Input: Repeatable,
    {
        self.with(|run| run.retries_after(n, delay))
    }

    /// Builds each worker anew after `n` items: see [`ParStateful::lifespan`].
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    #[track_caller]
    pub fn lifespan(self, n: usize) -> Self {
        self.with(|run| run.lifespan(n))
    }

    /// Shows a progress bar with this message: see [`ParStateful::progress`]. The length is that of the
    /// stream where its hint is exact.
    #[cfg(feature = "progress")]
    #[track_caller]
    pub fn progress(self, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.with(|run| run.progress(message))
    }

    /// Shows a progress bar with these options: see [`ParStateful::progress_with`].
    #[cfg(feature = "progress")]
    #[track_caller]
    pub fn progress_with(self, options: impl Into<ProgressOptions>) -> Self {
        self.with(|run| run.progress_with(options))
    }

    #[track_caller]
    fn with(self, option: impl FnOnce(ParStateful<I, S, W, B>) -> ParStateful<I, S, W, B>) -> Self {
        let Self { run, asked } = self;
        Self { run: option(run), asked }
    }
}

/// Options of runs whose workers run beside the consumer, as those of [`ParStateful`].
///
/// # Panics
///
/// Each of these panics once the run has started: options come before the first poll.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use futures_util::{StreamExt, stream};
/// use mtask::{Spec, par_stateful_stream, worker_fn};
///
/// let specs = worker_fn(|x: u32| 2 * x).times(3);
/// let doubled = par_stateful_stream(stream::iter(0..100), specs)
///     .unordered()
///     .max_in_flight(8)
///     .chunk_size(2)
///     .shutdown_timeout(Duration::from_secs(1));
/// let mut doubled: Vec<u32> =
///     futures_executor::block_on(doubled.map(Result::unwrap).collect());
/// doubled.sort();
/// assert!(doubled.into_iter().eq((0..100).map(|x| 2 * x)));
/// ```
impl<I, S, W, B> ParStatefulAsync<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Concurrent,
{
    /// Yields results as they are finished, not in input order.
    #[track_caller]
    pub fn unordered(self) -> Self {
        self.with(ParStateful::unordered)
    }

    /// Bounds the items in flight: see [`ParStateful::max_in_flight`]. An item counts until the consumer
    /// polls for the next one.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    #[track_caller]
    pub fn max_in_flight(self, n: usize) -> Self {
        self.with(|run| run.max_in_flight(n))
    }

    /// Lifts the bound: the whole source may be in memory.
    #[track_caller]
    pub fn unbounded(self) -> Self {
        self.with(ParStateful::unbounded)
    }

    /// Rarely needed: sets the most items that a worker claims at a time: see
    /// [`ParStateful::chunk_size`]. A stream is polled item by item all the same.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    #[track_caller]
    pub fn chunk_size(self, n: usize) -> Self {
        self.with(|run| run.chunk_size(n))
    }

    /// Waits for the threads at most this long, at the end and on an early drop; those that have not ended
    /// by then are left to end by themselves. Without it the thread that drops is held up until what is
    /// in hand is finished.
    #[track_caller]
    pub fn shutdown_timeout(self, timeout: Duration) -> Self {
        self.with(|run| run.shutdown_timeout(timeout))
    }
}
