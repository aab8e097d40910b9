//! Bare outputs.

use std::iter::FusedIterator;
use std::panic::resume_unwind;

use super::{Startable, TaskIterator};

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

impl<R: TaskIterator> Iterator for PropagatePanics<R> {
    type Item = R::Output;

    fn next(&mut self) -> Option<R::Output> {
        let error = match self.results.next()? {
            Ok(output) => return Some(output),
            Err(error) => error,
        };
        match error.into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => panic!("mtask: {}", crate::error::Chain(&error)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<R: TaskIterator + ExactSizeIterator> ExactSizeIterator for PropagatePanics<R> {}
impl<R: TaskIterator> FusedIterator for PropagatePanics<R> {}
