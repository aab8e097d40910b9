//! What happened in a run, counted and timed.

mod advice;
mod table;
mod tally;

use std::fmt;
use std::time::Duration;

pub use advice::Bottleneck;
pub(crate) use tally::{Counters, Tally};

/// What happened in a run so far, or in all of it; from [`ParStateful::stats`](crate::ParStateful::stats).
///
/// Counts and times are of the workers' own clocks, read once for each claim and not for each item, so
/// that they cost next to nothing where items are cheap; a claim that is still in work is not in them.
/// `Display` prints a table with a line for each worker and, below it, [`advice`](Stats::advice). With the
/// feature `serde` it can be serialised; times are then seconds and nanoseconds, as serde writes a
/// [`Duration`]. Follows MPIRE's worker insights, and goes on to say what they mean.
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
/// assert_eq!((stats.yielded, stats.panics), (3, 1));
/// assert_eq!(stats.builds, 2); // the worker was built anew after its panic
/// assert_eq!(stats.workers[0].items, 3);
/// println!("{stats}");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Workers built, those built anew included.
    pub builds: usize,
    /// Builds that returned an error or panicked.
    pub failed_builds: usize,
    /// Workers given up, since they could not be built any more or their processes ended too often.
    pub retired: usize,
    /// Calls that panicked.
    pub panics: usize,
    /// Workers whose destructor panicked; at most one for each process, where they are in processes.
    pub destructor_panics: usize,
    /// Jobs that panicked which a worker had spawned into its rayon pool, by `rayon::spawn`, and which
    /// nobody waits for: no item fails by them.
    pub spawned_panics: usize,
    /// Processes that did not end with success, or not by themselves, when they were told to end: their worker died
    /// or hung in its `finish` or its destructor.
    pub unclean_ends: usize,
    /// Attempts after the first, by [`retries`](crate::ParStateful::retries).
    pub retries: usize,
    /// Items yielded to the consumer.
    pub yielded: usize,
    /// Items among them that were errors; after [`flatten_errors`](crate::ParStateful::flatten_errors) those of
    /// the workers and of the source too. What failed, and succeeded when it was tried again, is none.
    pub errors: usize,
    /// The time since the run started, or from its start to its end.
    pub elapsed: Duration,
    /// How long the consumer was inside `next()` with nothing at hand.
    pub consumer_waited: Duration,
    /// How many items were allowed to be in flight: the most, where the window adapts; 0 before the start.
    pub window: usize,
    /// The most items that were in flight when the consumer looked.
    pub most_in_flight: usize,
    /// Each worker, in the order of the specs.
    pub workers: Vec<WorkerStats>,
}

/// What happened to one worker of a run; a part of [`Stats`].
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorkerStats {
    /// Items it has run, the failed ones included.
    pub items: usize,
    /// Items among them that failed, whatever number of attempts they had: panics, and after
    /// [`flatten_errors`](crate::ParStateful::flatten_errors) the worker's own errors, as far as they were
    /// yielded. Those of the source or of earlier stages are not.
    pub errors: usize,
    /// How often it began an item again.
    pub retries: usize,
    /// How often it was built again after its first time.
    pub restarts: usize,
    /// Time in builds.
    pub building: Duration,
    /// Time at items.
    pub working: Duration,
    /// Time at the source, where this worker pulled it, and in handing items over.
    pub pulling: Duration,
    /// Time asleep for want of items.
    pub awaiting_input: Duration,
    /// Time asleep because the window was full.
    pub awaiting_room: Duration,
    /// Time asleep between two attempts at an item.
    pub awaiting_retry: Duration,
    /// What it does.
    pub state: WorkerState,
    /// For how long.
    pub since: Duration,
}

/// What a worker does at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum WorkerState {
    /// It has not begun, or has ended.
    #[default]
    Idle,
    /// It is being built.
    Building,
    /// It is at an item, or at some that are cheap.
    Working,
    /// It waits for items, for room or for the next attempt at an item, or pulls the source.
    Waiting,
}

/// As the bars say it: `working`.
impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Building => "building",
            Self::Working => "working",
            Self::Waiting => "waiting",
        })
    }
}

impl Stats {
    /// Items yielded a second; 0 before the start.
    pub fn rate(&self) -> f64 {
        match self.elapsed.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.yielded as f64 / seconds,
        }
    }

    /// Which side held the run up, where one did.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread::sleep;
    /// use std::time::Duration;
    ///
    /// use mtask::{Bottleneck, par_map};
    ///
    /// let slow = (0..20).inspect(|_| sleep(Duration::from_millis(5)));
    /// let mut results = par_map(slow, 2, |x: u32| x + 1);
    /// results.by_ref().for_each(drop);
    /// let stats = results.stats();
    /// assert_eq!(stats.bottleneck(), Some(Bottleneck::Source));
    /// assert!(stats.advice().starts_with("source-bound: "));
    /// ```
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        advice::bottleneck(self, cores())
    }

    /// One sentence that says what held the run up, and what to change.
    pub fn advice(&self) -> String {
        advice::sentence(self, cores())
    }
}

impl WorkerStats {
    /// All of its time.
    fn total(&self) -> Duration {
        self.building
            + self.working
            + self.pulling
            + self.awaiting_input
            + self.awaiting_room
            + self.awaiting_retry
    }
}

/// How many threads can run at once here.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
