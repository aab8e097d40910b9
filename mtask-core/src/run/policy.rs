//! What is asked of workers beside their items.

use std::fmt;

use crate::error::drop_caught;
use crate::finish::AnySummary;
use crate::sync::{Arc, Mutex, lock};
use crate::{Retry, TaskError, TaskErrorKind};

/// What is asked of the workers of a run beside their items, as the front collects it. It names their
/// inputs and outputs, and not themselves: a worker may borrow, for all that a run knows.
pub(crate) struct Care<T, O> {
    pub(crate) again: Option<Again<T, O>>,
    /// How builds that failed are made again, where that was said.
    pub(crate) build_retry: Option<Retry>,
    /// After how many items a worker is built anew.
    pub(crate) lifespan: Option<usize>,
    /// Where the summaries go of workers that are finished.
    pub(crate) summaries: Option<Arc<Summaries>>,
}

impl<T, O> Default for Care<T, O> {
    fn default() -> Self {
        Self { again: None, build_retry: None, lifespan: None, summaries: None }
    }
}

impl<T, O> Clone for Care<T, O> {
    fn clone(&self) -> Self {
        let Self { again, build_retry, lifespan, ref summaries } = *self;
        Self { again, build_retry, lifespan, summaries: summaries.clone() }
    }
}

/// How failed items are tried again. Functions and not bounds, so that the engine is the same with
/// and without.
pub(crate) struct Again<T, O> {
    /// How often, and after which pauses.
    pub(crate) retry: Retry,
    pub(crate) copy: fn(&T) -> T,
    /// Makes an error of an output that is one: of none, unless errors are flattened. So the error is made where
    /// it is known how often the item was begun.
    pub(crate) flatten: Flatten<O>,
}

/// Makes an error of an output that is to be one.
pub type Flatten<O> = fn(O, &Place) -> Result<O, TaskError>;

/// What was run, for an error that names it.
#[derive(Debug)]
pub struct Place {
    pub(crate) index: usize,
    pub(crate) worker: usize,
    /// How often the item has been begun.
    pub(crate) attempt: usize,
}

impl<T, O> Again<T, O> {
    /// After this many attempts, of which the last has failed so, there is to be another one.
    pub(crate) fn is_due(&self, attempt: usize, error: &TaskError) -> bool {
        // A build has attempts of its own.
        let failed = matches!(error.kind(), TaskErrorKind::Panicked | TaskErrorKind::Failed);
        attempt <= self.retry.most() && failed
    }
}

impl<T, O> Clone for Again<T, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, O> Copy for Again<T, O> {}

/// The summaries of a run, in the order in which they came.
#[derive(Default)]
pub struct Summaries(Mutex<Left>);

#[derive(Default)]
struct Left {
    summaries: Vec<(usize, Result<AnySummary, TaskError>)>,
    /// Workers of which no more is taken.
    over: Vec<usize>,
}

impl fmt::Debug for Summaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summaries").finish_non_exhaustive()
    }
}

impl Summaries {
    pub(crate) fn add(&self, worker: usize, summary: Result<AnySummary, TaskError>) {
        let mut left = lock(&self.0);
        if left.over.contains(&worker) {
            drop(left);
            // It comes too late.
            drop_caught(summary);
        } else {
            left.summaries.push((worker, summary));
        }
    }

    /// Notes that a worker has left all that it leaves.
    pub(crate) fn close(&self, worker: usize) {
        lock(&self.0).over.push(worker);
    }

    /// Notes that nothing more is waited for of a worker, by an error in place of what it might have left.
    pub(crate) fn give_up(&self, worker: usize, error: TaskError) {
        let mut left = lock(&self.0);
        if !left.over.contains(&worker) {
            left.over.push(worker);
            left.summaries.push((worker, Err(error)));
        }
    }

    /// Takes them out, by worker, those of one in the order in which they came.
    pub(crate) fn take<T: 'static>(&self) -> Vec<(usize, Result<T, TaskError>)> {
        let mut all = std::mem::take(&mut lock(&self.0).summaries);
        all.sort_by_key(|(worker, _)| *worker);
        let typed = |summary: AnySummary| {
            *summary.downcast().expect("a run's summaries are of its worker's type")
        };
        all.into_iter().map(|(worker, summary)| (worker, summary.map(typed))).collect()
    }
}
