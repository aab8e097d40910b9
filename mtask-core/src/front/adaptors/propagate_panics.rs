//! Bare outputs.

use std::iter::FusedIterator;
use std::panic::resume_unwind;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};

#[cfg(feature = "stream")]
use futures_core::Stream;

use super::{Startable, TaskIterator};
use crate::TaskError;

/// The iterator of [`ParStateful::propagate_panics`](crate::ParStateful::propagate_panics).
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct PropagatePanics<R> {
    pub(super) results: R,
}

impl<R: TaskIterator> PropagatePanics<R> {
    pub(super) fn new(results: R) -> Self {
        Self { results }
    }

    /// Starts the run now: as [`ParStateful::start`](crate::ParStateful::start).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x).propagate_panics().start();
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

impl<R> PropagatePanics<R> {
    /// The output; or the end of it, for an error.
    fn output<O>(result: Result<O, TaskError>) -> O {
        let error = match result {
            Ok(output) => return output,
            Err(error) => error,
        };
        match error.into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => panic!("mtask: {}", crate::error::Chain(&error)),
        }
    }
}

impl<R> Iterator for PropagatePanics<R>
where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>,
{
    type Item = R::Output;

    fn next(&mut self) -> Option<R::Output> {
        self.results.next().map(Self::output)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.hint()
    }
}

impl<R> ExactSizeIterator for PropagatePanics<R> where
    R: TaskIterator + ExactSizeIterator<Item = Result<<R as TaskIterator>::Output, TaskError>>
{
}

impl<R> FusedIterator for PropagatePanics<R> where
    R: TaskIterator + Iterator<Item = Result<<R as TaskIterator>::Output, TaskError>>
{
}

#[cfg(feature = "stream")]
impl<R> Stream for PropagatePanics<R>
where
    R: TaskIterator + Stream<Item = Result<<R as TaskIterator>::Output, TaskError>> + Unpin,
{
    type Item = R::Output;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<R::Output>> {
        Pin::new(&mut self.results).poll_next(task).map(|next| next.map(Self::output))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.hint()
    }
}
