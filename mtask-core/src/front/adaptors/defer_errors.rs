//! All errors at the end.

use std::iter::FusedIterator;

use super::{Startable, TaskIterator};
use crate::TaskErrors;

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

impl<R: TaskIterator> Iterator for DeferErrors<R> {
    type Item = Result<R::Output, TaskErrors>;

    fn next(&mut self) -> Option<Self::Item> {
        for result in self.results.by_ref() {
            match result {
                Ok(output) => return Some(Ok(output)),
                Err(error) => self.errors.push(error),
            }
        }
        let errors = std::mem::take(&mut self.errors);
        (errors.count() > 0).then_some(Err(errors))
    }

    /// Errors take no place of their own but the last: `(min(1, least), most)`, and one more
    /// where there are errors to tell.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.results.size_hint();
        let last = usize::from(self.errors.count() > 0);
        (least.max(last).min(1), most.and_then(|most| most.checked_add(last)))
    }
}

impl<R: TaskIterator> FusedIterator for DeferErrors<R> {}
