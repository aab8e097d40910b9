//! The child of a worker: started, started again, given up.

use std::time::{Duration, Instant};

use super::super::child::NotBuilt;
use super::super::process::{Child, NotReady};
use super::{Host, State};
use crate::error::{Elsewhere, GivenUp};
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::run::builds::{Begin, Failure};
use crate::sync::{Arc, Ordering, lock};
use crate::{BuildError, TaskError};

/// Why there is no child to send to.
pub(super) enum NoChild {
    /// The worker could not be built, which is tried again after so long.
    Later(Duration),
    /// There will be none any more.
    Retired,
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

    /// Builds a child and has it build the worker.
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
        match self.builds.begin(self.number, is_last_try, start) {
            Begin::Now => {}
            Begin::Later(left) => return Err(NoChild::Later(left)),
            Begin::Never(why) => {
                self.retire(state, why);
                return Err(NoChild::Retired);
            }
        }
        self.doing.build(start);
        let begun = match self.spec.hello(self.number, self.summaries.is_some(), &self.settings) {
            Ok(hello) => {
                Child::start(self.number, (&self.settings, &self.patience), hello, cancelled)
            }
            Err(reason) => Err(NotReady::NotBuilt(NotBuilt::Refused(reason))),
        };
        let now = Instant::now();
        let took = now - start;
        self.doing.built(now);
        self.tally().spent_building(took);
        let mut is_late = false;
        let why = match begun {
            Ok(child) => {
                if let Some(ended) = state.ended.take() {
                    trace::process_restarted(self.number, ended);
                }
                self.built(Some(took));
                (state.given, state.served) = (0, 0);
                self.torn.store(false, Ordering::Relaxed);
                let child = Arc::new(child);
                state.child = Some(Arc::clone(&child));
                self.set_up(true);
                return Ok(child);
            }
            // No process would take it.
            Err(NotReady::NotBuilt(reason @ NotBuilt::Refused(_))) => {
                Counters::count(&self.counters.failed_builds);
                trace::build_failed(self.number, 1, || reason.to_string().into());
                self.retire(state, GivenUp::Builds(reason.into_error(None, self.number)));
                return Err(NoChild::Retired);
            }
            Err(NotReady::NotBuilt(reason)) => {
                GivenUp::Builds(reason.into_error(None, self.number))
            }
            Err(NotReady::TimedOut(limit)) => {
                let what = Elsewhere::TimedOut { limit, building: true };
                GivenUp::Builds(TaskError::elsewhere(None, self.number, what))
            }
            Err(NotReady::NoProcess(reason)) => GivenUp::Process(reason.into()),
            Err(NotReady::Late(limit)) => {
                is_late = true;
                GivenUp::Process(format!("it {}", Elsewhere::Late(limit)).into())
            }
            Err(NotReady::Lost(status)) => {
                let what = Elsewhere::Lost { status, building: true };
                GivenUp::Process(format!("it {what}").into())
            }
        };
        Err(self.not_built(state, why, is_late, cancelled))
    }

    /// Counts a build that failed, unless it was ended with its run.
    fn not_built(
        &self,
        state: &mut State,
        why: GivenUp,
        is_late: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> NoChild {
        let now = Instant::now();
        if cancelled() || self.over.load(Ordering::Relaxed) {
            self.builds.down(self.number, now);
            return NoChild::Retired;
        }
        let is_last_try = self.is_last_try.load(Ordering::Relaxed);
        let failure = Failure { why: &why, is_late, is_last_try };
        self.stand_by.disturb();
        let (failures, pause) = self.builds.failed(self.number, &failure, now);
        Counters::count(&self.counters.failed_builds);
        trace::build_failed(self.number, failures as usize, || why.to_string().into());
        let Some(pause) = pause else {
            self.retire(state, why);
            return NoChild::Retired;
        };
        state.failure = Some(why);
        NoChild::Later(pause)
    }

    /// Counts a build after a panic that has failed in the child, which is ended for that.
    pub(super) fn not_rebuilt(&self, error: TaskError, cancelled: &dyn Fn() -> bool) {
        self.end_child();
        // The next child is asked for by who has items.
        let _ = self.not_built(&mut lock(&self.state), GivenUp::Builds(error), false, cancelled);
    }

    /// Counts a build that came to something.
    pub(super) fn built(&self, took: Option<Duration>) {
        self.counters.built(self.number);
        trace::built(self.number, took);
    }

    pub(super) fn retire(&self, state: &mut State, why: GivenUp) {
        if state.retired.is_none() {
            Counters::count(&self.counters.retired);
            trace::retired(self.number, &why.to_string());
            state.retired = Some(why);
            self.builds.retire(self.number);
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
            let why = match self.child(cancelled) {
                Ok(_) => return Ok(()),
                Err(NoChild::Later(left)) if attempt < self.builds.attempts() && pause(left) => {
                    attempt += 1;
                    continue;
                }
                Err(NoChild::Later(_)) => lock(&self.state).failure.clone(),
                Err(NoChild::Retired) => self.given_up(),
            };
            return Err(match why {
                Some(GivenUp::Builds(error)) => error,
                why => {
                    let reason =
                        why.map_or_else(|| "the run is over".to_owned(), |it| it.to_string());
                    TaskError::build_failed(None, self.number, BuildError::from(reason))
                }
            });
        }
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.up.store(is_up, Ordering::Relaxed);
        if is_up {
            self.builds.up(self.number);
        } else {
            self.builds.down(self.number, Instant::now());
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
        self.builds.left(self.number, Instant::now())
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
