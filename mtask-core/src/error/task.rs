//! An item that failed.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

#[cfg(all(feature = "processes", unix, not(loom)))]
use super::Elsewhere;
use super::{BoxError, BuildError, Chain, PanicPayload};
use crate::sync::Arc;

/// Why an item has no output.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use mtask::par_map;
///
/// let mut failures = HashMap::new();
/// for error in par_map([5, 0, 20, 0], 2, |x: u32| 100 / x).filter_map(Result::err) {
///     *failures.entry(error.kind()).or_insert(0) += 1;
/// }
/// for (kind, count) in failures {
///     assert_eq!(format!("{count} items: {kind}"), "2 items: panicked");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// The worker panicked with this item in hand.
    Panicked,
    /// A worker could not be built at the start, by [`build_now`](crate::ParStateful::build_now).
    BuildFailed,
    /// No worker is left to run this item, or, without an index, the rest of the items: none can be built any more, or
    /// the processes of each have ended too often. The last cause is the source of this error.
    NoWorkerLeft,
    /// The run was aborted, by [`abort`](crate::CancelHandle::abort), before this item was finished. Its
    /// [`attempts`](TaskError::attempts) say whether it was begun.
    Aborted,
    /// The worker returned an error; only after `.flatten_errors()`.
    Failed,
    /// The source gave an error in place of an item, which no worker saw: of
    /// [`par_stateful_ok`](crate::par_stateful_ok), and only after `.flatten_errors()`.
    Source,
    /// The worker's process ended with this item in hand. Threads do not die on their own.
    WorkerLost,
    /// The worker's process was ended at its time limit, which threads cannot be; or a worker did not come to its end
    /// in time, which is an error among the summaries.
    TimedOut,
    /// The workers' threads could not be started; no item was begun.
    StartFailed,
    /// The input was not sent to the worker's process, or the output not back: it cannot be encoded or decoded, or
    /// is over the limit.
    NotSent,
}

/// What the messages of such errors say, without the rest: `panicked`.
impl fmt::Display for TaskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Panicked => "panicked",
            Self::BuildFailed => "could not be built",
            Self::NoWorkerLeft => "no worker is left",
            Self::Failed => "returned an error",
            Self::Source => "the source returned an error",
            Self::WorkerLost => "was lost",
            Self::TimedOut => "took too long",
            Self::StartFailed => "could not be started",
            Self::NotSent => "was not sent",
            Self::Aborted => "was aborted",
        })
    }
}

/// What became of an input that has no output: which one, at which worker, and why.
///
/// `Display` is one plain sentence with index, worker, kind and, for a panic, its message. Deeper
/// causes are in [`source`](Error::source) alone, so that a printed chain says nothing twice;
/// `{:#}` prints the chain itself, as does `{:?}`, which is what `unwrap` and `main` show. One
/// pointer wide; a clone is the same error.
///
/// # Examples
///
/// ```
/// use mtask::{Spec, TaskErrorKind, par_stateful, worker_fn};
///
/// let specs = worker_fn(|x: u32| 100 / x).times(1);
/// let results: Vec<_> = par_stateful([5, 0, 20], specs).collect();
/// assert_eq!(results[0].as_ref().unwrap(), &20);
/// assert_eq!(results[2].as_ref().unwrap(), &5);
///
/// let error = results[1].as_ref().unwrap_err();
/// assert_eq!(error.kind(), TaskErrorKind::Panicked);
/// assert_eq!(error.index(), Some(1));
/// assert_eq!(error.worker(), Some(0));
/// assert_eq!(error.to_string(), "item 1: worker 0 panicked: attempt to divide by zero");
/// ```
///
/// ```
/// use mtask::par_map;
///
/// let mut numbers = par_map(["x"], 1, |s: &str| s.parse::<u8>()).flatten_errors();
/// let error = numbers.next().unwrap().unwrap_err();
/// assert_eq!(format!("{error}"), "item 0: worker 0 returned an error");
/// assert_eq!(
///     format!("{error:#}"),
///     "item 0: worker 0 returned an error: invalid digit found in string",
/// );
/// ```
#[derive(Clone)]
pub struct TaskError(Arc<Inner>);

struct Inner {
    index: Option<usize>,
    worker: Option<usize>,
    /// How often the item was begun.
    attempts: usize,
    cause: Cause,
}

/// Why a worker was given up.
#[derive(Clone, Debug)]
pub(crate) enum GivenUp {
    /// None could be built any more: the error of the last build.
    Builds(TaskError),
    /// No process could be started for it, or none lived until it was built: in words.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    Process(Box<str>),
    /// Its processes ended too often.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    Ends { count: usize, within: Duration },
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builds(last) => write!(f, "{}", Chain(last)),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Self::Process(reason) => f.write_str(reason),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Self::Ends { count, within } => {
                write!(f, "its process ended {count} times within {within:?}")
            }
        }
    }
}

impl Error for GivenUp {}

enum Cause {
    Panicked(PanicPayload),
    BuildPanicked(PanicPayload),
    BuildFailed(BuildError),
    /// And why the last one was given up.
    NoWorkerLeft(Option<GivenUp>),
    Aborted,
    Failed(BoxError),
    Source(BoxError),
    /// The worker's summary is lost with it, for this reason.
    Torn(TaskErrorKind, Box<str>),
    FinishPanicked(PanicPayload),
    /// It did not come to its end in time, by that option.
    Unfinished {
        limit: Duration,
        option: &'static str,
    },
    StartFailed(std::io::Error),
    #[cfg(all(feature = "processes", unix, not(loom)))]
    Elsewhere(Elsewhere),
}

impl TaskError {
    fn new(index: Option<usize>, worker: Option<usize>, cause: Cause) -> Self {
        Self(Arc::new(Inner { index, worker, attempts: 0, cause }))
    }

    pub(crate) fn panicked(index: usize, worker: usize, payload: Box<dyn Any + Send>) -> Self {
        Self::new(Some(index), Some(worker), Cause::Panicked(PanicPayload::new(payload))).after(1)
    }

    pub(crate) fn build_panicked(
        index: Option<usize>,
        worker: usize,
        payload: Box<dyn Any + Send>,
    ) -> Self {
        Self::new(index, Some(worker), Cause::BuildPanicked(PanicPayload::new(payload)))
    }

    pub(crate) fn build_failed(index: Option<usize>, worker: usize, error: BuildError) -> Self {
        Self::new(index, Some(worker), Cause::BuildFailed(error))
    }

    pub(crate) fn no_worker_left(index: Option<usize>, why: Option<GivenUp>) -> Self {
        Self::new(index, None, Cause::NoWorkerLeft(why))
    }

    /// The worker's own error.
    pub(crate) fn failed(
        index: Option<usize>,
        worker: Option<usize>,
        attempts: usize,
        error: BoxError,
    ) -> Self {
        Self::new(index, worker, Cause::Failed(error)).after(attempts)
    }

    /// An error that was in the source: one of an earlier stage stays as it is.
    pub(crate) fn passed(index: Option<usize>, error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::new(index, None, Cause::Source(error)),
        }
    }

    /// What is left of a worker that ended at an item, by an error of this kind, in place of its summary.
    pub(crate) fn torn(index: usize, worker: usize, kind: TaskErrorKind, why: &str) -> Self {
        Self::new(Some(index), Some(worker), Cause::Torn(kind, why.into()))
    }

    /// The run was aborted before it was finished; where it was in progress, at that worker.
    pub(crate) fn aborted(index: usize, worker: Option<usize>) -> Self {
        Self::new(Some(index), worker, Cause::Aborted)
    }

    /// A worker was not waited for any longer than this, by that option.
    pub(crate) fn unfinished(worker: usize, limit: Duration, option: &'static str) -> Self {
        Self::new(None, Some(worker), Cause::Unfinished { limit, option })
    }

    pub(crate) fn finish_panicked(worker: usize, payload: Box<dyn Any + Send>) -> Self {
        Self::new(None, Some(worker), Cause::FinishPanicked(PanicPayload::new(payload)))
    }

    /// After so many attempts.
    pub(crate) fn after(mut self, attempts: usize) -> Self {
        // On its way out: nobody else has it yet.
        Arc::get_mut(&mut self.0).expect("an error that was just made").attempts = attempts;
        self
    }

    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn elsewhere(index: Option<usize>, worker: usize, what: Elsewhere) -> Self {
        Self::new(index, Some(worker), Cause::Elsewhere(what))
    }

    pub(crate) fn start_failed(worker: usize, error: std::io::Error) -> Self {
        Self::new(None, Some(worker), Cause::StartFailed(error))
    }

    /// The 0-based position of the input in the source; `None` only where no item was in hand, as
    /// for a build asked for by `.build_now()`.
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// The 0-based position of the worker's spec in the list of specs; `None` when no worker is
    /// left, and for an error of the source.
    pub fn worker(&self) -> Option<usize> {
        self.0.worker
    }

    /// How often the item was begun: more than once only with
    /// [`retries`](crate::ParStateful::retries), and 0 where it never was, as where no worker could be built for
    /// it or it was an error in the source.
    pub fn attempts(&self) -> usize {
        self.0.attempts
    }

    /// Why the item has no output.
    pub fn kind(&self) -> TaskErrorKind {
        match self.0.cause {
            Cause::Panicked(_) | Cause::FinishPanicked(_) => TaskErrorKind::Panicked,
            Cause::Torn(kind, _) => kind,
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::Elsewhere(ref what) => what.kind(),
            Cause::BuildPanicked(_) | Cause::BuildFailed(_) => TaskErrorKind::BuildFailed,
            Cause::NoWorkerLeft(_) => TaskErrorKind::NoWorkerLeft,
            Cause::Unfinished { .. } => TaskErrorKind::TimedOut,
            Cause::Aborted => TaskErrorKind::Aborted,
            Cause::Failed(_) => TaskErrorKind::Failed,
            Cause::Source(_) => TaskErrorKind::Source,
            Cause::StartFailed(_) => TaskErrorKind::StartFailed,
        }
    }

    /// The message of the panic, where it was one: in the worker's call or in its build.
    pub fn panic_message(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Panicked(panic) | Cause::BuildPanicked(panic) | Cause::FinishPanicked(panic) => {
                Some(panic.message())
            }
            Cause::Torn(TaskErrorKind::Panicked, message) => Some(message),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::Elsewhere(what) => what.panic_message(),
            _ => None,
        }
    }

    /// The payload of the panic, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// The error itself where it was no panic of the worker's call.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match &self.0.cause {
            Cause::Panicked(panic) => Ok(panic.take()),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::Elsewhere(Elsewhere::Panicked { message, .. }) => Ok(Box::new(message.clone())),
            _ => Err(self),
        }
    }

    /// The cause by value, with its type kept: the error that the worker, its build or the source
    /// returned.
    ///
    /// # Errors
    ///
    /// The error itself where it has no such cause, or where a clone of it is left.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Spec, par_stateful, worker_fn};
    ///
    /// let specs = worker_fn(|s: &'static str| s.parse::<u8>()).times(2);
    /// let error = par_stateful(["1", "x"], specs).flatten_errors().find_map(Result::err).unwrap();
    /// let cause = error.into_cause().unwrap();
    /// assert!(cause.is::<std::num::ParseIntError>());
    /// ```
    pub fn into_cause(self) -> Result<Box<dyn Error + Send + Sync>, Self> {
        let inner = Arc::try_unwrap(self.0).map_err(Self)?;
        match inner.cause {
            Cause::Failed(error) | Cause::Source(error) => Ok(error),
            Cause::BuildFailed(error) => Ok(error.into_inner()),
            cause => Err(Self(Arc::new(Inner { cause, ..inner }))),
        }
    }
}

impl TaskError {
    fn sentence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.0.index {
            write!(f, "item {index}: ")?;
        }
        if let Some(worker) = self.0.worker {
            write!(f, "worker {worker} ")?;
        }
        match &self.0.cause {
            Cause::Panicked(panic) => write!(f, "panicked: {}", panic.message()),
            Cause::BuildPanicked(panic) => {
                write!(f, "could not be built: its build panicked: {}", panic.message())
            }
            Cause::BuildFailed(_) => f.write_str("could not be built"),
            Cause::NoWorkerLeft(_) if self.0.index.is_none() => {
                f.write_str("no worker is left to run the rest of the items")
            }
            Cause::NoWorkerLeft(_) => f.write_str("no worker is left to run it"),
            Cause::Aborted if self.0.worker.is_some() => {
                f.write_str("had not finished it when the run was aborted")
            }
            Cause::Aborted => f.write_str("the run was aborted before it was begun"),
            Cause::Failed(_) => f.write_str("returned an error"),
            Cause::Source(_) => f.write_str("the source returned an error"),
            Cause::Torn(TaskErrorKind::Panicked, message) => {
                write!(f, "has no summary, since it panicked: {message}")
            }
            Cause::Torn(_, why) => write!(f, "has no summary: {why}"),
            Cause::FinishPanicked(panic) => {
                write!(f, "has no summary: its `finish` panicked: {}", panic.message())
            }
            Cause::Unfinished { limit, option } => write!(
                f,
                "has no summary: it did not end within {limit:?}, the `{option}`, and its thread was left behind"
            ),
            Cause::StartFailed(_) => f.write_str("could not be started"),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::Elsewhere(what) => write!(f, "{what}"),
        }?;
        match self.0.attempts {
            0 | 1 => Ok(()),
            attempts => write!(f, " (at attempt {attempts})"),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { write!(f, "{}", Chain(self)) } else { self.sentence(f) }
    }
}

impl fmt::Debug for TaskError {
    /// The chain in one line; in the alternate form, the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write!(f, "{}", Chain(self));
        }
        let mut debug = f.debug_struct("TaskError");
        debug
            .field("kind", &self.kind())
            .field("index", &self.0.index)
            .field("worker", &self.0.worker);
        if let Some(message) = self.panic_message() {
            debug.field("panic", &message);
        }
        if let Some(source) = self.source() {
            debug.field("source", &source);
        }
        debug.finish()
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Failed(error) | Cause::Source(error) => Some(&**error),
            Cause::BuildFailed(error) => Some(error.get_ref()),
            Cause::StartFailed(error) => Some(error),
            Cause::NoWorkerLeft(Some(GivenUp::Builds(last))) => Some(last),
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::NoWorkerLeft(Some(why)) => Some(why),
            Cause::Panicked(_)
            | Cause::BuildPanicked(_)
            | Cause::NoWorkerLeft(None)
            | Cause::Torn(..)
            | Cause::Aborted
            | Cause::Unfinished { .. }
            | Cause::FinishPanicked(_) => None,
            #[cfg(all(feature = "processes", unix, not(loom)))]
            Cause::Elsewhere(_) => None,
        }
    }
}
