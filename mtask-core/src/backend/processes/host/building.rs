//! The child of a worker: started, started again, given up.

use std::fmt;
use std::time::{Duration, Instant};

use super::super::child::NotBuilt;
use super::super::process::{Child, NotReady};
use super::super::starts::{ATTEMPTS, Begin, Failure};
use super::{Host, MAX_FAILED_BUILDS, State};
use crate::error::{Elsewhere, GivenUp};
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::sync::{Arc, Ordering, lock};
use crate::{BuildError, TaskError};

/// Why there is no child to send to.
pub(super) enum NoChild {
    /// The worker could not be built, or not in time.
    Failed(NoBuild),
    /// Its process could not be started, which is tried again after so long.
    Later(Duration),
    /// There will be none any more.
    Retired,
}

/// What kept a worker from being built.
pub(super) enum NoBuild {
    /// The child told of it, or nothing could be sent to one.
    Told(NotBuilt),
    /// The child was killed for the time that it took.
    TimedOut(Elsewhere),
}

impl NoBuild {
    /// As the error of an item, or of a build that was asked for at the start.
    pub(super) fn into_error(self, index: Option<usize>, worker: usize) -> TaskError {
        match self {
            Self::Told(reason) => reason.into_error(index, worker),
            Self::TimedOut(what) => TaskError::elsewhere(index, worker, what),
        }
    }
}

impl fmt::Display for NoBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(reason) => write!(f, "{reason}"),
            Self::TimedOut(what) => write!(f, "it {what}"),
        }
    }
}

impl Host {
    /// The child, which is started where there is none.
    pub(super) fn child(&self, cancelled: &dyn Fn() -> bool) -> Result<Arc<Child>, NoChild> {
        let mut state = lock(&self.state);
        if let Some(child) = &state.child {
            if child.is_alive() {
                return Ok(Arc::clone(child));
            }
            let child = Arc::clone(child);
            self.reap_last(&mut state, &child, None);
        }
        self.start(&mut state, cancelled)
    }

    /// Starts a child and has it build the worker.
    pub(super) fn start(
        &self,
        state: &mut State,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Arc<Child>, NoChild> {
        if state.retired.is_some() || self.over.load(Ordering::Relaxed) {
            return Err(NoChild::Retired);
        }
        let start = Instant::now();
        let is_last_try = self.is_last_try.load(Ordering::Relaxed);
        match self.starts.begin(self.number, is_last_try, start) {
            Begin::Now => {}
            Begin::Later(left) => return Err(NoChild::Later(left)),
            Begin::Never(reason) => {
                self.retire(state, &reason, GivenUp::Process(reason.clone()));
                return Err(NoChild::Retired);
            }
        }
        self.doing.build(start);
        let begun = match self.spec.hello(self.number, self.summaries.is_some(), &self.settings) {
            Ok(hello) => Child::start(self.number, &self.settings, hello, cancelled),
            Err(reason) => Err(NotReady::NotBuilt(NotBuilt::Refused(reason))),
        };
        let now = Instant::now();
        let took = now - start;
        self.doing.built(now);
        self.tally().spent_building(took);
        let failure = match begun {
            Ok(child) => {
                if let Some(ended) = state.ended.take() {
                    trace::process_restarted(self.number, ended);
                }
                self.built(state, Some(took));
                (state.given, state.served) = (0, 0);
                self.torn.store(false, Ordering::Relaxed);
                let child = Arc::new(child);
                state.child = Some(Arc::clone(&child));
                self.set_up(true);
                return Ok(child);
            }
            Err(NotReady::NotBuilt(reason)) => NoBuild::Told(reason),
            Err(NotReady::TimedOut(limit)) => {
                NoBuild::TimedOut(Elsewhere::TimedOut { limit, building: true })
            }
            Err(NotReady::NoProcess(reason)) => {
                return Err(self.not_started(state, reason, false, cancelled));
            }
            Err(NotReady::Late(limit)) => {
                let reason = format!("it {}", Elsewhere::Late(limit));
                return Err(self.not_started(state, reason, true, cancelled));
            }
            Err(NotReady::Lost(status)) => {
                let reason = format!("it {}", Elsewhere::Lost { status, building: true });
                return Err(self.not_started(state, reason, false, cancelled));
            }
        };
        self.starts.down(self.number, now);
        self.failed(state, failure.to_string());
        Err(NoChild::Failed(failure))
    }

    /// Counts a process that could not be started or died before its worker was built, unless it was ended with
    /// its run.
    pub(super) fn not_started(
        &self,
        state: &mut State,
        reason: String,
        is_late: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> NoChild {
        let now = Instant::now();
        if cancelled() || self.over.load(Ordering::Relaxed) {
            self.starts.down(self.number, now);
            return NoChild::Retired;
        }
        let is_last_try = self.is_last_try.load(Ordering::Relaxed);
        let failure = Failure { reason: &reason, is_late, is_last_try };
        let (failures, pause) = self.starts.failed(self.number, &failure, now);
        Counters::count(&self.counters.failed_builds);
        trace::build_failed(self.number, failures as usize, || reason.as_str().into());
        let Some(pause) = pause else {
            self.retire(state, &reason, GivenUp::Process(reason.as_str().into()));
            return NoChild::Retired;
        };
        state.failure = Some(reason.into());
        NoChild::Later(pause)
    }

    /// Counts a build that came to something.
    pub(super) fn built(&self, state: &mut State, took: Option<Duration>) {
        state.failures = 0;
        self.counters.built(self.number);
        trace::built(self.number, took);
    }

    /// Counts a build that failed, and retires the worker at the third in a row.
    pub(super) fn failed(&self, state: &mut State, reason: String) {
        Counters::count(&self.counters.failed_builds);
        state.failures += 1;
        trace::build_failed(self.number, state.failures, || reason.as_str().into());
        if state.failures >= MAX_FAILED_BUILDS {
            self.retire(state, &reason, GivenUp::Builds(reason.as_str().into()));
        }
    }

    pub(super) fn retire(&self, state: &mut State, reason: &str, why: GivenUp) {
        if state.retired.is_none() {
            Counters::count(&self.counters.retired);
            trace::retired(self.number, reason);
            state.retired = Some(why);
            self.starts.retire(self.number);
            lock(&self.gate).retired = true;
            self.changed.notify_all();
        }
    }

    /// Builds the worker where it is not there, with no item in progress. `pause` backs off between attempts
    /// to start its process, of which there are as many as are made where no worker ever was up.
    pub(in crate::backend::processes) fn build(
        &self,
        cancelled: &dyn Fn() -> bool,
        pause: &dyn Fn(Duration) -> bool,
    ) -> Result<(), TaskError> {
        if self.torn.swap(false, Ordering::Relaxed) {
            // It builds no worker before it has an item.
            self.end_child();
        }
        let mut attempt = 1;
        loop {
            let reason = match self.child(cancelled) {
                Ok(_) => return Ok(()),
                Err(NoChild::Failed(reason)) => {
                    return Err(reason.into_error(None, self.number));
                }
                Err(NoChild::Later(left)) if attempt < ATTEMPTS && pause(left) => {
                    attempt += 1;
                    continue;
                }
                Err(NoChild::Later(_)) => lock(&self.state).failure.as_deref().map(str::to_owned),
                Err(NoChild::Retired) => self.given_up().map(|why| why.to_string()),
            };
            let reason = reason.unwrap_or_else(|| "the run is over".to_owned());
            return Err(TaskError::build_failed(None, self.number, BuildError::from(reason)));
        }
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.up.store(is_up, Ordering::Relaxed);
        if is_up {
            self.starts.up(self.number);
        } else {
            self.starts.down(self.number, Instant::now());
        }
    }

    /// There is a child that has built the worker.
    pub(in crate::backend::processes) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(in crate::backend::processes) fn is_retired(&self) -> bool {
        lock(&self.gate).retired
    }

    /// No more children are started, or none for the items of this run.
    pub(in crate::backend::processes) fn is_through(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.is_retired()
    }

    /// How long until a process is tried again that could not be started; none where there is no such need.
    pub(in crate::backend::processes) fn pause(&self) -> Option<Duration> {
        if self.is_last_try.load(Ordering::Relaxed) {
            return None;
        }
        self.starts.left(self.number, Instant::now())
    }

    /// Has the next process that cannot be started be the last one: the run is to come to its end.
    pub(in crate::backend::processes) fn try_once_more(&self) {
        self.is_last_try.store(true, Ordering::Relaxed);
    }

    /// Why there will be no more children.
    pub(in crate::backend::processes) fn given_up(&self) -> Option<GivenUp> {
        lock(&self.state).retired.clone()
    }
}
