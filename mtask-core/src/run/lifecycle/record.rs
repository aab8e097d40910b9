//! What is known of a worker, whatever its type.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::NotBuilt;
use crate::error::{GivenUp, PanicPayload, drop_caught};
use crate::finish::AnySummary;
use crate::observe::stats::{Counters, Tally};
use crate::observe::trace;
use crate::run::builds::{Begin, Builds, FIRST_PAUSE, Failure};
use crate::run::control::Control;
use crate::run::policy::Summaries;
use crate::sync::Arc;
use crate::{BuildError, Retry, TaskError, TaskErrorKind, WorkerState};

/// What is known of a worker's builds and what it counts; apart from the worker, so that a program with many
/// types of them has this once.
pub(crate) struct Record {
    pub(super) number: usize,
    /// Items that the worker has run since its build.
    pub(super) served: usize,
    /// When workers of the run are built.
    builds: Arc<Builds>,
    /// The next build that fails is the last one: the run is to come to its end.
    is_last_try: bool,
    /// The error of the last build that failed.
    pub(super) failure: Option<TaskError>,
    /// Why it is built no more.
    pub(super) given_up: Option<GivenUp>,
    pub(super) counters: Arc<Counters>,
    pub(super) control: Arc<Control>,
}

/// A build that came to nothing.
pub(super) enum Failed {
    Returned(BuildError),
    Panicked(Box<dyn Any + Send>),
}

impl Record {
    pub(crate) fn new(
        number: usize,
        counters: Arc<Counters>,
        control: Arc<Control>,
        builds: Arc<Builds>,
    ) -> Self {
        let (is_last_try, failure, given_up) = (false, None, None);
        Self { number, served: 0, builds, is_last_try, failure, given_up, counters, control }
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.counters.worker(self.number)
    }

    /// Notes what the worker begins with at `now`.
    pub(crate) fn enter(&self, state: WorkerState, now: Instant) {
        self.counters.enter(self.number, state, now);
    }

    /// A run begins, which counts for itself, and has what could not be built tried again.
    pub(super) fn begin(
        &mut self,
        counters: Arc<Counters>,
        control: Arc<Control>,
        builds: Arc<Builds>,
        is_built: bool,
    ) {
        (self.counters, self.control) = (counters, control);
        self.builds = builds;
        (self.is_last_try, self.failure, self.given_up) = (false, None, None);
        if is_built {
            self.builds.up(self.number);
        }
    }

    /// As [`Life::back_off`](super::Life::back_off), where there is no worker.
    pub(super) fn back_off(&mut self) -> bool {
        if self.is_last_try {
            return false;
        }
        let Some(left) = self.builds.left(self.number, Instant::now()) else { return false };
        self.pause_build(left.min(FIRST_PAUSE));
        true
    }

    /// Waits between two builds; where the run ends meanwhile, the next one is the last.
    pub(super) fn pause_build(&mut self, time: Duration) {
        if !self.control.pause(time) {
            self.is_last_try = true;
        }
    }

    /// After so many attempts at an item there is to be another one: false where the run has been cancelled.
    pub(super) fn tries_again(&self, index: usize, attempt: usize, retry: &Retry) -> bool {
        let goes_on = self.pause(retry.pause(attempt));
        if goes_on {
            self.tally().retried();
            trace::retried(self.number, index, attempt + 1);
        }
        goes_on
    }

    /// Waits between two attempts at an item, which is no work; false where the run has been cancelled.
    fn pause(&self, delay: Duration) -> bool {
        if delay.is_zero() {
            return self.control.pause(delay);
        }
        let start = Instant::now();
        self.enter(WorkerState::Waiting, start);
        let goes_on = self.control.pause(delay);
        let now = Instant::now();
        self.enter(WorkerState::Working, now);
        self.tally().awaited_retry(now - start);
        goes_on
    }

    /// The worker has panicked with an item in hand.
    pub(super) fn panicked(
        &self,
        index: usize,
        payload: Box<dyn Any + Send>,
        summaries: Option<&Arc<Summaries>>,
    ) -> TaskError {
        Counters::count(&self.counters.panics);
        self.down();
        let error = TaskError::panicked(index, self.number, payload);
        trace::panicked(self.number, index, error.panic_message().unwrap_or_default());
        if let Some(summaries) = summaries {
            let why = error.panic_message().unwrap_or_default();
            let error = TaskError::torn(index, self.number, TaskErrorKind::Panicked, why);
            summaries.add(self.number, Err(error));
        }
        error
    }

    /// Begins a build, if it is time for one. Gives when.
    pub(super) fn begin_build(&mut self) -> Result<Instant, NotBuilt> {
        if let Some(why) = &self.given_up {
            return Err(NotBuilt::Never(why.clone()));
        }
        let start = Instant::now();
        match self.builds.begin(self.number, self.is_last_try, start) {
            Begin::Now => {}
            Begin::Later(left) => return Err(NotBuilt::Later(left)),
            Begin::Never(why) => return Err(self.give_up(why)),
        }
        self.enter(WorkerState::Building, start);
        Ok(start)
    }

    /// A build that began at `start` has ended. Gives when.
    fn end_build(&self, start: Instant) -> Instant {
        let now = Instant::now();
        self.enter(WorkerState::Working, now);
        self.tally().spent_building(now - start);
        now
    }

    /// The worker was built.
    pub(super) fn built(&mut self, start: Instant) {
        let now = self.end_build(start);
        (self.served, self.failure) = (0, None);
        self.builds.up(self.number);
        self.counters.built(self.number);
        trace::built(self.number, Some(now - start));
    }

    /// It could not be built.
    pub(super) fn failed(&mut self, start: Instant, failed: Failed) -> NotBuilt {
        let now = self.end_build(start);
        Counters::count(&self.counters.failed_builds);
        let message = failed.message();
        let error = match failed {
            Failed::Returned(error) => TaskError::build_failed(None, self.number, error),
            Failed::Panicked(payload) => TaskError::build_panicked(None, self.number, payload),
        };
        let why = GivenUp::Builds(error.clone());
        let failure = Failure { why: &why, is_late: false, is_last_try: self.is_last_try };
        let (failures, pause) = self.builds.failed(self.number, &failure, now);
        trace::build_failed(self.number, failures as usize, || message);
        self.failure = Some(error);
        match pause {
            Some(pause) => NotBuilt::Later(pause),
            None => self.give_up(why),
        }
    }

    fn give_up(&mut self, why: GivenUp) -> NotBuilt {
        Counters::count(&self.counters.retired);
        trace::retired(self.number, &why.to_string());
        self.builds.retire(self.number);
        self.given_up = Some(why.clone());
        NotBuilt::Never(why)
    }

    /// After a build before there are items, which was attempt number `attempt`, there is to be another one: as
    /// often as where no worker ever was up.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn goes_on_at_start(
        &mut self,
        attempt: u32,
        failed: &NotBuilt,
    ) -> Result<(), TaskError> {
        match failed {
            NotBuilt::Later(left) if attempt < self.builds.attempts() => {
                self.pause_build(*left);
                Ok(())
            }
            _ => Err(self.failure.clone().unwrap_or_else(|| {
                let why = BuildError::from("another worker could not be built");
                TaskError::build_failed(None, self.number, why)
            })),
        }
    }

    /// There is no worker any more.
    pub(super) fn down(&self) {
        self.builds.down(self.number, Instant::now());
    }

    /// The worker was finished, or its `finish` has panicked.
    pub(super) fn finished(
        &self,
        summaries: &Summaries,
        finished: Result<Option<AnySummary>, Box<dyn Any + Send>>,
    ) {
        match finished {
            Ok(Some(summary)) => summaries.add(self.number, Ok(summary)),
            Ok(None) => {}
            Err(payload) => {
                summaries.add(self.number, Err(TaskError::finish_panicked(self.number, payload)));
            }
        }
    }

    /// The worker's destructor has panicked.
    pub(super) fn destructor_panicked(&self) {
        Counters::count(&self.counters.destructor_panics);
        trace::destructor_panicked(self.number);
    }
}

impl Failed {
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
