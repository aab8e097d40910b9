//! The life of one worker: built from its spec, built anew after a panic, retired when it cannot
//! be built.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{PanicPayload, drop_caught};
use crate::stats::Counters;
use crate::sync::Arc;
use crate::{BuildError, Spec, TaskError, Worker};

/// Failed builds in a row after which a worker is retired.
const MAX_FAILED_BUILDS: usize = 3;

/// A worker's place: its spec, and the worker where it is built. Stays on one thread.
pub(crate) struct Life<S, W> {
    spec: S,
    number: usize,
    worker: Option<W>,
    /// A worker that has panicked, and is yet to be dropped: its destructor may take long, and holds
    /// up neither the error nor the items behind it.
    torn: Option<W>,
    /// Failed builds since the last success.
    failures: usize,
    last_failure: Option<Box<str>>,
    counters: Arc<Counters>,
}

/// A build that came to nothing.
enum Failure {
    Returned(BuildError),
    Panicked(Box<dyn Any + Send>),
}

impl<S: Spec<W>, W: Worker> Life<S, W> {
    pub(crate) fn new(spec: S, number: usize, counters: Arc<Counters>) -> Self {
        Self { spec, number, worker: None, torn: None, failures: 0, last_failure: None, counters }
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// A run begins, which counts for itself, and has what could not be built tried again.
    pub(crate) fn begin(&mut self, counters: Arc<Counters>) {
        self.counters = counters;
        self.failures = 0;
    }

    pub(crate) fn is_built(&self) -> bool {
        self.worker.is_some()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.failures >= MAX_FAILED_BUILDS
    }

    /// Runs one item, building the worker first where there is none. Does not unwind, whatever
    /// the worker does.
    #[inline]
    pub(crate) fn run(&mut self, index: usize, input: W::Input) -> Result<W::Output, TaskError> {
        let Some(worker) = &mut self.worker else { return self.build_and_run(index, input) };
        match catch_unwind(AssertUnwindSafe(move || worker.call(input))) {
            Ok(output) => Ok(output),
            Err(payload) => Err(self.panicked(index, payload)),
        }
    }

    #[cold]
    fn build_and_run(&mut self, index: usize, input: W::Input) -> Result<W::Output, TaskError> {
        let built = if self.is_retired() {
            Err(TaskError::no_worker_left(index, self.last_failure.clone()))
        } else {
            self.build(Some(index))
        };
        match built {
            Ok(()) => self.run(index, input),
            Err(error) => {
                drop_caught(input);
                Err(error)
            }
        }
    }

    /// The worker, where there is one.
    pub(crate) fn worker(&mut self) -> Option<&mut W> {
        self.worker.as_mut()
    }

    /// Puts the worker away, which has panicked with an item in hand. It is dropped by
    /// [`end`](Life::end), or before the next one is built.
    #[cold]
    pub(crate) fn panicked(&mut self, index: usize, payload: Box<dyn Any + Send>) -> TaskError {
        Counters::count(&self.counters.panics);
        self.torn = self.worker.take();
        TaskError::panicked(index, self.number, payload)
    }

    /// Builds the worker where there is none.
    pub(crate) fn build(&mut self, index: Option<usize>) -> Result<(), TaskError> {
        if self.worker.is_some() {
            return Ok(());
        }
        self.end();
        let failure = match catch_unwind(AssertUnwindSafe(|| self.spec.build())) {
            Ok(Ok(worker)) => {
                self.worker = Some(worker);
                self.failures = 0;
                Counters::count(&self.counters.builds);
                return Ok(());
            }
            Ok(Err(error)) => Failure::Returned(error),
            Err(payload) => Failure::Panicked(payload),
        };
        self.failures += 1;
        Counters::count(&self.counters.failed_builds);
        if self.is_retired() {
            Counters::count(&self.counters.retired);
            self.last_failure = Some(failure.message());
        }
        Err(match failure {
            Failure::Returned(error) => TaskError::build_failed(index, self.number, error),
            Failure::Panicked(payload) => TaskError::build_panicked(index, self.number, payload),
        })
    }
}

impl<S, W> Life<S, W> {
    /// Drops the worker, and one that has panicked; a panic of a destructor is caught and counted.
    pub(crate) fn end(&mut self) {
        for worker in [self.worker.take(), self.torn.take()] {
            if drop_caught(worker) {
                Counters::count(&self.counters.destructor_panics);
            }
        }
    }
}

impl<S, W> Drop for Life<S, W> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Failure {
    fn message(&self) -> Box<str> {
        match self {
            // The error's `Display` is the user's, and may panic.
            Self::Returned(error) => catch_unwind(AssertUnwindSafe(|| error.to_string()))
                .map_or_else(
                    |payload| {
                        drop_caught(payload);
                        "an error whose text cannot be shown".into()
                    },
                    Into::into,
                ),
            Self::Panicked(payload) => PanicPayload::text(&**payload).into(),
        }
    }
}
