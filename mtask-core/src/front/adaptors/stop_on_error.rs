//! The end at the first error.

use std::iter::FusedIterator;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll, ready};

#[cfg(feature = "stream")]
use futures_core::Stream;

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

impl<R: TaskIterator> StopOnError<R> {
    /// Ends the run where this is an error.
    fn look_at(&mut self, item: Option<&Result<R::Output, TaskError>>) {
        if let Some(Err(_)) = item {
            self.results.run_mut().end_early();
        }
    }

    /// An error may cut off everything after it: `(min(1, least), most)`.
    fn hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.results.hint();
        (least.min(1), most)
    }
}

impl<R> Iterator for StopOnError<R>
where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>,
{
    type Item = Result<R::Output, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.results.next();
        self.look_at(item.as_ref());
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }
}

impl<R> FusedIterator for StopOnError<R> where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>
{
}

#[cfg(feature = "stream")]
impl<R> Stream for StopOnError<R>
where
    R: TaskIterator + Stream<Item = Result<<R as TaskIterator>::Output, TaskError>> + Unpin,
{
    type Item = Result<R::Output, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.results).poll_next(task));
        self.look_at(item.as_ref());
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }
}
