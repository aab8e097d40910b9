//! What happened in a run, counted.

use crate::sync::{AtomicUsize, Ordering};

/// What happened to the workers of a run so far; from [`ParStateful::stats`](crate::ParStateful::stats).
///
/// # Examples
///
/// ```
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let mut results = par_stateful([5, 0, 20], worker_fn(|x: u32| 100 / x).times(1));
/// assert_eq!(results.by_ref().filter(Result::is_err).count(), 1);
///
/// let stats = results.stats();
/// assert_eq!(stats.panics, 1);
/// assert_eq!(stats.builds, 2); // the worker was built anew after its panic
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Workers built, those built anew included.
    pub builds: usize,
    /// Builds that returned an error or panicked.
    pub failed_builds: usize,
    /// Workers given up after three failed builds in a row.
    pub retired: usize,
    /// Calls that panicked.
    pub panics: usize,
    /// Workers whose destructor panicked.
    pub destructor_panics: usize,
}

/// The counters behind [`Stats`]: each written by any worker, read by the consumer, none of them
/// ordering anything else, so that every access is relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) builds: AtomicUsize,
    pub(crate) failed_builds: AtomicUsize,
    pub(crate) retired: AtomicUsize,
    pub(crate) panics: AtomicUsize,
    pub(crate) destructor_panics: AtomicUsize,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        Stats {
            builds: read(&self.builds),
            failed_builds: read(&self.failed_builds),
            retired: read(&self.retired),
            panics: read(&self.panics),
            destructor_panics: read(&self.destructor_panics),
        }
    }
}
