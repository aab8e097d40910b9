//! What a run tells of itself by the feature `tracing`, under the target `mtask`. Without the feature all of
//! this is empty.
//!
//! A subscriber is code of the user's, which workers' threads run into here: its panics are caught, as
//! those of a worker are. Nothing here is called for every item, but by a run on the caller's thread.

#![cfg_attr(
    not(feature = "tracing"),
    allow(unused_variables, reason = "what would be told is told to nobody")
)]

#[cfg(feature = "tracing")]
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

#[cfg(feature = "tracing")]
use tracing::subscriber::NoSubscriber;
#[cfg(feature = "tracing")]
use tracing::{Dispatch, Level, Span, dispatcher, field};

#[cfg(all(feature = "processes", unix))]
use crate::error::ProcessEnd;
#[cfg(feature = "tracing")]
use crate::error::drop_caught;
#[cfg(feature = "tracing")]
use crate::sync::{Arc, Mutex, lock};
use crate::{Ended, Stats};

/// An event of the thread's subscriber, in the thread's span.
#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($what:tt)+) => {
        caught(|| tracing::event!(target: "mtask", Level::$level, $($what)+))
    };
}

#[cfg(not(feature = "tracing"))]
macro_rules! event {
    ($($what:tt)+) => {};
}

#[cfg(feature = "tracing")]
fn caught(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        drop_caught(payload);
    }
}

/// A span, and the subscriber that it is told to. Threads of a run are new, and have neither by themselves.
#[derive(Clone)]
pub(crate) struct Scope(#[cfg(feature = "tracing")] Arc<Place>);

#[cfg(feature = "tracing")]
struct Place {
    span: Span,
    subscriber: Dispatch,
}

impl Scope {
    /// The subscriber of this thread, and no span: for what outlives the run or the caller.
    #[inline(always)]
    pub(crate) fn outside() -> Self {
        #[cfg(feature = "tracing")]
        return Self::at(Span::none());
        #[cfg(not(feature = "tracing"))]
        Self()
    }

    /// The subscriber and the span of this thread: for what is done for the caller and belongs to no run.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        #[cfg(feature = "tracing")]
        return Self::at(Span::current());
        #[cfg(not(feature = "tracing"))]
        Self()
    }

    #[cfg(feature = "tracing")]
    fn at(span: Span) -> Self {
        Self(Arc::new(Place { span, subscriber: dispatcher::get_default(Clone::clone) }))
    }

    /// A worker's place in this one.
    #[inline(always)]
    pub(crate) fn worker(&self, number: usize) -> Self {
        #[cfg(feature = "tracing")]
        {
            let Place { span: parent, subscriber } = &*self.0;
            let mut span = Span::none();
            caught(|| {
                dispatcher::with_default(subscriber, || {
                    span = tracing::info_span!(
                        target: "mtask", parent: parent, "mtask.worker", worker = number
                    );
                });
            });
            Self(Arc::new(Place { span, subscriber: subscriber.clone() }))
        }
        #[cfg(not(feature = "tracing"))]
        Self()
    }

    /// Calls `f` inside.
    #[inline(always)]
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        return self.0.enter(f);
        #[cfg(not(feature = "tracing"))]
        f()
    }
}

#[cfg(feature = "tracing")]
impl Place {
    /// Calls `f` inside; also where the subscriber panics on the way in or out.
    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.subscriber.is::<NoSubscriber>() {
            return f();
        }
        let (mut f, mut result) = (Some(f), None);
        let entered = catch_unwind(AssertUnwindSafe(|| {
            dispatcher::with_default(&self.subscriber, || {
                self.span.in_scope(|| result = f.take().map(|f| f()));
            });
        }));
        match (result, f, entered) {
            (Some(result), _, Ok(())) => result,
            (Some(result), _, Err(payload)) => {
                drop_caught(payload);
                result
            }
            (None, Some(f), entered) => {
                drop_caught(entered);
                f()
            }
            (None, None, Err(payload)) => resume_unwind(payload),
            (None, None, Ok(())) => unreachable!("what returned has left its result"),
        }
    }
}

#[cfg(feature = "tracing")]
impl Drop for Place {
    fn drop(&mut self) {
        let span = std::mem::replace(&mut self.span, Span::none());
        let subscriber = std::mem::replace(&mut self.subscriber, Dispatch::none());
        drop_caught(span);
        drop_caught(subscriber);
    }
}

/// A run, as its consumer tells of it: dropped before the end, it tells of an early end.
pub(crate) struct Run(Handle);

/// A run, as one may tell of it who ends it from outside. It keeps no span open after the end.
#[derive(Clone)]
pub(crate) struct Handle(#[cfg(feature = "tracing")] Arc<Mutex<Stage>>);

#[cfg(feature = "tracing")]
enum Stage {
    Before,
    Going(Scope),
    Over,
}

impl Run {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(Handle(
            #[cfg(feature = "tracing")]
            Arc::new(Mutex::new(Stage::Before)),
        ))
    }

    #[inline(always)]
    pub(crate) fn handle(&self) -> Handle {
        self.0.clone()
    }

    /// The run begins, with so many workers; a `window` of `None` adapts.
    #[inline(always)]
    pub(crate) fn begin(
        &self,
        backend: &'static str,
        workers: usize,
        window: Option<usize>,
        ordered: bool,
    ) -> Scope {
        #[cfg(feature = "tracing")]
        {
            let mut span = Span::none();
            caught(|| {
                span = tracing::info_span!(
                    target: "mtask", "mtask.run", backend, workers, window = field::Empty, ordered
                );
                match window {
                    None => span.record("window", "adaptive"),
                    Some(usize::MAX) => span.record("window", "unbounded"),
                    Some(window) => span.record("window", window),
                };
            });
            let scope = Scope::at(span);
            *lock(&self.0.0) = Stage::Going(scope.clone());
            scope
        }
        #[cfg(not(feature = "tracing"))]
        Scope()
    }

    /// The run has come to its end.
    #[inline(always)]
    pub(crate) fn finished(&self, ended: Ended, stats: impl FnOnce() -> Stats) {
        #[cfg(feature = "tracing")]
        if let Some(scope) = self.end() {
            let stats = stats();
            let Stats { yielded: items, errors, retries, elapsed, .. } = stats;
            scope.enter(|| event!(DEBUG, %ended, items, errors, retries, ?elapsed, "run finished"));
        }
    }

    /// The source has panicked, which is the end of the run.
    #[inline(always)]
    pub(crate) fn source_panicked(&self, message: &str) {
        #[cfg(feature = "tracing")]
        if let Some(scope) = self.end() {
            scope.enter(|| event!(WARN, panic = message, "source panicked"));
        }
    }

    /// The run is left before its end.
    #[inline(always)]
    pub(crate) fn left(&self) {
        #[cfg(feature = "tracing")]
        if let Some(scope) = self.end() {
            scope.enter(|| event!(INFO, by = "drop", "run cancelled"));
        }
    }

    #[cfg(feature = "tracing")]
    fn end(&self) -> Option<Scope> {
        match std::mem::replace(&mut *lock(&self.0.0), Stage::Over) {
            Stage::Going(scope) => Some(scope),
            Stage::Before | Stage::Over => None,
        }
    }
}

#[cfg(feature = "tracing")]
impl Drop for Run {
    fn drop(&mut self) {
        self.left();
    }
}

impl Handle {
    /// The run is cancelled by this handle, for the first time.
    #[inline(always)]
    pub(crate) fn cancelled(&self) {
        #[cfg(feature = "tracing")]
        if let Some(scope) = self.scope() {
            scope.enter(|| event!(INFO, by = "handle", "run cancelled"));
        }
    }

    /// The run is aborted by this handle, for the first time.
    #[inline(always)]
    pub(crate) fn aborted(&self) {
        #[cfg(feature = "tracing")]
        if let Some(scope) = self.scope() {
            scope.enter(|| event!(INFO, by = "handle", "run aborted"));
        }
    }

    /// Where it is, until it is over.
    #[cfg(feature = "tracing")]
    fn scope(&self) -> Option<Scope> {
        match &*lock(&self.0) {
            Stage::Before => Some(Scope::here()),
            Stage::Going(scope) => Some(scope.clone()),
            Stage::Over => None,
        }
    }
}

/// The end of the run has waited long for a worker: for this item, where it has one in progress.
#[inline(always)]
pub(crate) fn waits(worker: usize, index: Option<usize>) {
    event!(WARN, worker, index, "run waits for worker");
}

/// A worker was built; what it took is not known of one that was built again where it is.
#[inline(always)]
pub(crate) fn built(worker: usize, took: Option<Duration>) {
    event!(DEBUG, worker, elapsed = took.map(field::debug), "worker built");
}

/// A build failed, for so many times in a row.
#[inline(always)]
pub(crate) fn build_failed(worker: usize, failures: usize, error: impl FnOnce() -> Box<str>) {
    event!(WARN, worker, failures, error = &*error(), "build failed");
}

/// A worker is given up.
#[inline(always)]
pub(crate) fn retired(worker: usize, error: &str) {
    event!(ERROR, worker, error, "worker retired");
}

/// A worker panicked with an item in hand.
#[inline(always)]
pub(crate) fn panicked(worker: usize, index: usize, message: &str) {
    // Not `message`, which is the name of what an event says.
    event!(WARN, worker, index, panic = message, "worker panicked");
}

/// An item is begun again, for the `attempt`th time in all.
#[inline(always)]
pub(crate) fn retried(worker: usize, index: usize, attempt: usize) {
    event!(INFO, worker, index, attempt, "item tried again");
}

/// A worker has run as many items as it may.
#[inline(always)]
pub(crate) fn lifespan_over(worker: usize, items: usize) {
    event!(DEBUG, worker, items, "lifespan over");
}

/// A job panicked that a worker had spawned into its pool.
#[inline(always)]
pub(crate) fn spawned_job_panicked(message: &str) {
    event!(WARN, panic = message, "spawned job panicked");
}

/// A worker panicked while it was dropped.
#[inline(always)]
pub(crate) fn destructor_panicked(worker: usize) {
    event!(WARN, worker, "destructor panicked");
}

/// A process has ended that nobody had told to; or was ended for `limit`, its time limit.
#[cfg(all(feature = "processes", unix))]
#[inline(always)]
pub(crate) fn process_ended(worker: usize, status: ProcessEnd, limit: Option<Duration>) {
    event!(WARN, worker, %status, limit = limit.map(field::debug), "process ended");
}

/// A process was started in place of one that had ended so.
#[cfg(all(feature = "processes", unix))]
#[inline(always)]
pub(crate) fn process_restarted(worker: usize, ended: ProcessEnd) {
    event!(INFO, worker, %ended, "process restarted");
}
