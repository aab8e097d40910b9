//! All errors at the end.

use std::iter::FusedIterator;
use std::ops::ControlFlow;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll, ready};

#[cfg(feature = "stream")]
use futures_core::Stream;

use super::{Startable, TaskIterator};
use crate::{TaskError, TaskErrors};

/// The iterator of [`ParStateful::defer_errors`](crate::ParStateful::defer_errors).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct DeferErrors<R> {
    pub(super) results: R,
    errors: TaskErrors,
}

impl<R: TaskIterator> DeferErrors<R> {
    pub(super) fn new(results: R) -> Self {
        Self { results, errors: TaskErrors::default() }
    }

    /// Starts the run now: as [`ParStateful::start`](crate::ParStateful::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x).defer_errors().start();
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

impl<R: TaskIterator> DeferErrors<R> {
    /// What comes of the next result; nothing yet, where that is an error.
    fn sort(
        &mut self,
        next: Option<Result<R::Output, TaskError>>,
    ) -> ControlFlow<Option<Result<R::Output, TaskErrors>>> {
        match next {
            Some(Ok(output)) => ControlFlow::Break(Some(Ok(output))),
            Some(Err(error)) => {
                self.errors.push(error);
                ControlFlow::Continue(())
            }
            None => {
                let errors = std::mem::take(&mut self.errors);
                ControlFlow::Break((errors.count() > 0).then_some(Err(errors)))
            }
        }
    }

    /// Errors take no place of their own but the last: `(min(1, least), most)`, and one more
    /// where there are errors to tell.
    fn hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.results.hint();
        let last = usize::from(self.errors.count() > 0);
        (least.max(last).min(1), most.and_then(|most| most.checked_add(last)))
    }
}

impl<R> Iterator for DeferErrors<R>
where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>,
{
    type Item = Result<R::Output, TaskErrors>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.results.next();
            if let ControlFlow::Break(item) = self.sort(next) {
                return item;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }
}

impl<R> FusedIterator for DeferErrors<R> where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>
{
}

#[cfg(feature = "stream")]
impl<R> Stream for DeferErrors<R>
where
    R: TaskIterator + Stream<Item = Result<<R as TaskIterator>::Output, TaskError>> + Unpin,
{
    type Item = Result<R::Output, TaskErrors>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let next = ready!(Pin::new(&mut self.results).poll_next(task));
            if let ControlFlow::Break(item) = self.sort(next) {
                return Poll::Ready(item);
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }
}
