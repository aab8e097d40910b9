//! A run as an iterator, and the summaries of its workers.

use std::iter::FusedIterator;

use super::ParStateful;
use crate::backend::{Backend, Blocking, Start};
use crate::{Finish, TaskError, Worker};

impl<I, S, W, B> Iterator for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Blocking,
{
    type Item = Result<W::Output, TaskError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(finished) = self.ready_task() {
            return Some(finished.result);
        }
        Some(self.look()?.result)
    }

    /// The items still to be yielded, those in flight included: the source's hint at the start, less what
    /// was yielded. After a [cancel](crate::CancelHandle) it becomes what was pulled, as soon as that is known.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.tasks_hint()
    }
}

impl<I, S, W, B> ExactSizeIterator for ParStateful<I, S, W, B>
where
    I: ExactSizeIterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Blocking,
{
}

impl<I, S, W, B> FusedIterator for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Blocking,
{
}

/// The summaries of workers.
impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Finish<Input = I::Item>,
    W::Summary: Send + 'static,
    B: Backend,
{
    /// Ends the run, where it has not come to its end, and gives what each worker left: its number, and
    /// its summary or why there is none, by worker. Empty without
    /// [`with_summaries`](ParStateful::with_summaries).
    ///
    /// A worker that was rebuilt after its [`lifespan`](ParStateful::lifespan) gives several, one that was
    /// never built gives none. One that panicked gives an error of kind
    /// [`Panicked`](crate::TaskErrorKind::Panicked) with the index of that item, and one more for each life
    /// after it. One that did not end in time, by a [`finish_timeout`](ParStateful::finish_timeout) or at an early end by
    /// a [`shutdown_timeout`](ParStateful::shutdown_timeout), gives an error of kind
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut). A thread that was left inside the source gives none.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::prelude::*;
    ///
    /// struct Counter(usize);
    ///
    /// #[delayed_init]
    /// impl Counter {
    ///     fn new() -> Self {
    ///         Self(0)
    ///     }
    ///
    ///     fn call(&mut self, word: &str) {
    ///         self.0 += word.len();
    ///     }
    ///
    ///     fn finish(self) -> usize {
    ///         self.0
    ///     }
    /// }
    ///
    /// let words = ["a", "bc", "def"].map(str::to_owned);
    /// let mut results = par_stateful(words, Counter::spec().times(2)).with_summaries();
    /// results.by_ref().for_each(drop);
    /// let mut letters = 0;
    /// for (_worker, summary) in results.into_summaries() {
    ///     letters += summary?;
    /// }
    /// assert_eq!(letters, 6);
    /// # Ok::<(), TaskError>(())
    /// ```
    #[must_use = "what a worker left may be an error"]
    pub fn into_summaries(self) -> Vec<(usize, Result<W::Summary, TaskError>)> {
        let Self { state, summaries, .. } = self;
        drop(state);
        summaries.map(|summaries| summaries.take()).unwrap_or_default()
    }
}
