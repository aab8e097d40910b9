//! The life of one worker: built from its spec, built anew after a panic or when its time is over,
//! retired when it cannot be built, finished at the end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::error::{GivenUp, PanicPayload, drop_caught};
use crate::finish::AnySummary;
use crate::observe::stats::{Counters, Tally};
use crate::observe::trace;
use crate::run::builds::{Begin, Builds, FIRST_PAUSE, Failure};
use crate::run::control::Control;
use crate::run::policy::{Again, Care, Flatten, Place};
use crate::sync::Arc;
use crate::{BuildError, Context, Spec, TaskError, TaskErrorKind, Worker, WorkerState};

/// A worker's place: its spec, and the worker where it is built. Stays on one thread.
pub(crate) struct Life<S, W: Worker> {
    spec: S,
    number: usize,
    worker: Option<W>,
    /// A worker that has panicked, and is yet to be dropped: its destructor may take long, and holds
    /// up neither the error nor the items behind it.
    torn: Option<W>,
    /// Items that the worker has run since its build.
    served: usize,
    /// When workers of the run are built.
    builds: Arc<Builds>,
    /// The next build that fails is the last one: the run is to come to its end.
    is_last_try: bool,
    /// The error of the last build that failed.
    failure: Option<TaskError>,
    /// Why it is built no more.
    given_up: Option<GivenUp>,
    care: Care<W::Input, W::Output>,
    /// The spec's, so that a life can end where nothing is known of the spec.
    finish: fn(&S, W) -> Option<AnySummary>,
    counters: Arc<Counters>,
    control: Arc<Control>,
}

/// Why there is no worker.
pub(crate) enum NotBuilt {
    /// It could not be built, which is tried again after so long.
    Later(Duration),
    /// It is built no more.
    Never(GivenUp),
}

/// A build that came to nothing.
enum Failed {
    Returned(BuildError),
    Panicked(Box<dyn Any + Send>),
}

impl<S, W: Worker> Life<S, W> {
    pub(crate) fn new(
        spec: S,
        number: usize,
        care: Care<W::Input, W::Output>,
        counters: Arc<Counters>,
        control: Arc<Control>,
        builds: Arc<Builds>,
    ) -> Self
    where
        S: Spec<W>,
    {
        Self {
            spec,
            number,
            worker: None,
            torn: None,
            served: 0,
            builds,
            is_last_try: false,
            failure: None,
            given_up: None,
            care,
            finish: S::finish,
            counters,
            control,
        }
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.counters.worker(self.number)
    }

    /// A run begins, which counts for itself, and has what could not be built tried again.
    pub(crate) fn begin(
        &mut self,
        care: Care<W::Input, W::Output>,
        counters: Arc<Counters>,
        control: Arc<Control>,
        builds: Arc<Builds>,
    ) {
        // What is left behind at the end is asked for of the whole life, and not of a run.
        let summaries = self.care.summaries.take();
        self.care = Care { summaries, ..care };
        (self.counters, self.control) = (counters, control);
        self.builds = builds;
        (self.is_last_try, self.failure, self.given_up) = (false, None, None);
        if self.worker.is_some() {
            self.builds.up(self.number);
        }
    }

    pub(crate) fn is_built(&self) -> bool {
        self.worker.is_some()
    }

    /// Its last build has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.worker.is_none() && self.failure.is_some()
    }

    /// Why it is built no more.
    pub(crate) fn given_up(&self) -> Option<&GivenUp> {
        self.given_up.as_ref()
    }

    /// Ends the worker where its time is over, so that the next one is built before it has an item.
    pub(crate) fn end_if_served(&mut self) {
        if self.worker.is_some() && self.care.lifespan.is_some_and(|most| self.served >= most) {
            trace::lifespan_over(self.number, self.served);
            self.end();
        }
    }

    /// Waits for some of the time until a worker may be built that could not be; false where there is nothing to
    /// wait for.
    pub(crate) fn back_off(&mut self) -> bool {
        if self.is_last_try || self.worker.is_some() {
            return false;
        }
        let Some(left) = self.builds.left(self.number, Instant::now()) else { return false };
        self.pause_build(left.min(FIRST_PAUSE));
        true
    }

    /// Waits between two builds; where the run ends meanwhile, the next one is the last.
    fn pause_build(&mut self, time: Duration) {
        if !self.control.pause(time) {
            self.is_last_try = true;
        }
    }

    /// How many items at the most the worker may run before something else is to be done.
    pub(crate) fn left(&self) -> usize {
        self.care.lifespan.map_or(usize::MAX, |most| most.saturating_sub(self.served).max(1))
    }

    /// Items have to be run one by one, by [`run`](Life::run).
    pub(crate) fn is_careful(&self) -> bool {
        self.care.again.is_some() || self.care.lifespan.is_some()
    }

    /// The worker, where there is one, and what it can know of its run: for item after item.
    pub(crate) fn worker(&mut self) -> Option<(&mut W, Context<'_>)> {
        let context = Context::new(self.number, 0, &*self.control);
        Some((self.worker.as_mut()?, context))
    }
}

impl<S: Spec<W>, W: Worker> Life<S, W> {
    /// Runs one item, again where that is asked for, at the worker or one that is built after it. Gives the
    /// number of the worker too, where one has run it or failed at it. Does not unwind, whatever the worker does.
    pub(crate) fn run(
        &mut self,
        index: usize,
        input: W::Input,
    ) -> (Option<usize>, Result<W::Output, TaskError>) {
        let result = match self.care.again {
            Some(again) => self.run_again(index, input, again),
            None => self.run_once(index, input, 1, |output, _| Ok(output)),
        };
        let worker = result.as_ref().map_or_else(TaskError::worker, |_| Some(self.number));
        if result.is_err() {
            self.tally().failed();
        }
        (worker, result)
    }

    /// Runs one item until it does not fail, or has failed often enough.
    fn run_again(
        &mut self,
        index: usize,
        input: W::Input,
        again: Again<W::Input, W::Output>,
    ) -> Result<W::Output, TaskError> {
        let mut next = Some(input);
        for attempt in 1.. {
            self.tally().at_attempt(attempt);
            let Some(input) = next.take() else { unreachable!("there is a copy for each time") };
            if attempt <= again.retry.most() {
                // The user's code, as a call is.
                match catch_unwind(AssertUnwindSafe(|| (again.copy)(&input))) {
                    Ok(copy) => next = Some(copy),
                    Err(payload) => {
                        drop_caught(input);
                        return Err(self.panicked(index, payload).after(attempt - 1));
                    }
                }
            }
            let result = self.run_once(index, input, attempt, again.flatten);
            let goes_on = result.as_ref().is_err_and(|error| again.is_due(attempt, error))
                && self.pause(again.retry.pause(attempt));
            if !goes_on {
                drop_caught(next);
                return result;
            }
            self.tally().retried();
            trace::retried(self.number, index, attempt + 1);
            drop_caught(result);
        }
        unreachable!("the last time ends the loop")
    }

    /// Waits between two attempts, which is no work; false where the run has been cancelled.
    fn pause(&self, delay: Duration) -> bool {
        if delay.is_zero() {
            return self.control.pause(delay);
        }
        let start = Instant::now();
        self.counters.enter(self.number, WorkerState::Waiting, start);
        let goes_on = self.control.pause(delay);
        let now = Instant::now();
        self.counters.enter(self.number, WorkerState::Working, now);
        self.tally().awaited_retry(now - start);
        goes_on
    }

    /// Runs one item once.
    fn run_once(
        &mut self,
        index: usize,
        input: W::Input,
        attempt: usize,
        flatten: Flatten<W::Output>,
    ) -> Result<W::Output, TaskError> {
        self.end_if_served();
        if let Err(why) = self.build_in_time() {
            drop_caught(input);
            return Err(TaskError::no_worker_left(Some(index), Some(why)).after(attempt - 1));
        }
        let context = Context::new(self.number, index, &*self.control).at_attempt(attempt);
        let worker = self.worker.as_mut().expect("it was just built");
        self.served += 1;
        let place = Place { index, worker: self.number, attempt };
        let ran = catch_unwind(AssertUnwindSafe(move || {
            flatten(worker.call_with(input, &context), &place)
        }));
        match ran {
            Ok(result) => result,
            Err(payload) => Err(self.panicked(index, payload).after(attempt)),
        }
    }

    /// Puts the worker away, which has panicked with an item in hand. It is dropped by
    /// [`end`](Life::end), or before the next one is built.
    #[cold]
    pub(crate) fn panicked(&mut self, index: usize, payload: Box<dyn Any + Send>) -> TaskError {
        Counters::count(&self.counters.panics);
        self.torn = self.worker.take();
        self.builds.down(self.number, Instant::now());
        let error = TaskError::panicked(index, self.number, payload);
        trace::panicked(self.number, index, error.panic_message().unwrap_or_default());
        if let Some(summaries) = &self.care.summaries {
            let why = error.panic_message().unwrap_or_default();
            let error = TaskError::torn(index, self.number, TaskErrorKind::Panicked, why);
            summaries.add(self.number, Err(error));
        }
        error
    }

    /// Builds the worker where there is none, if it is time for that.
    pub(crate) fn build(&mut self) -> Result<(), NotBuilt> {
        if self.worker.is_some() {
            return Ok(());
        }
        if let Some(why) = &self.given_up {
            return Err(NotBuilt::Never(why.clone()));
        }
        self.end();
        let start = Instant::now();
        match self.builds.begin(self.number, self.is_last_try, start) {
            Begin::Now => {}
            Begin::Later(left) => return Err(NotBuilt::Later(left)),
            Begin::Never(why) => return Err(self.give_up(why)),
        }
        self.counters.enter(self.number, WorkerState::Building, start);
        let built = catch_unwind(AssertUnwindSafe(|| self.spec.build()));
        let now = Instant::now();
        self.counters.enter(self.number, WorkerState::Working, now);
        self.tally().spent_building(now - start);
        let failure = match built {
            Ok(Ok(worker)) => {
                self.worker = Some(worker);
                (self.served, self.failure) = (0, None);
                self.builds.up(self.number);
                self.counters.built(self.number);
                trace::built(self.number, Some(now - start));
                return Ok(());
            }
            Ok(Err(error)) => Failed::Returned(error),
            Err(payload) => Failed::Panicked(payload),
        };
        Counters::count(&self.counters.failed_builds);
        let message = failure.message();
        let error = match failure {
            Failed::Returned(error) => TaskError::build_failed(None, self.number, error),
            Failed::Panicked(payload) => TaskError::build_panicked(None, self.number, payload),
        };
        let why = GivenUp::Builds(error.clone());
        let failure = Failure { why: &why, is_late: false, is_last_try: self.is_last_try };
        let (failures, pause) = self.builds.failed(self.number, &failure, now);
        trace::build_failed(self.number, failures as usize, || message);
        self.failure = Some(error);
        Err(match pause {
            Some(pause) => NotBuilt::Later(pause),
            None => self.give_up(why),
        })
    }

    fn give_up(&mut self, why: GivenUp) -> NotBuilt {
        Counters::count(&self.counters.retired);
        trace::retired(self.number, &why.to_string());
        self.builds.retire(self.number);
        self.given_up = Some(why.clone());
        NotBuilt::Never(why)
    }

    /// Builds the worker where there is none, with pauses between attempts, for an item that is to be run here.
    pub(crate) fn build_in_time(&mut self) -> Result<(), GivenUp> {
        loop {
            match self.build() {
                Ok(()) => return Ok(()),
                Err(NotBuilt::Later(left)) => self.pause_build(left),
                Err(NotBuilt::Never(why)) => return Err(why),
            }
        }
    }

    /// Builds the worker where there is none, before there are items: as often as where no worker ever was up.
    pub(crate) fn build_at_start(&mut self) -> Result<(), TaskError> {
        for attempt in 1.. {
            match self.build() {
                Ok(()) => break,
                Err(NotBuilt::Later(left)) if attempt < self.builds.attempts() => {
                    self.pause_build(left)
                }
                Err(NotBuilt::Later(_) | NotBuilt::Never(_)) => {
                    let other = || {
                        let why = BuildError::from("another worker could not be built");
                        TaskError::build_failed(None, self.number, why)
                    };
                    return Err(self.failure.clone().unwrap_or_else(other));
                }
            }
        }
        Ok(())
    }
}

impl<S, W: Worker> Life<S, W> {
    /// Finishes the worker, where that is asked for, or drops it; and drops one that has panicked. A
    /// panic of a destructor is caught and counted.
    pub(crate) fn end(&mut self) {
        let mut worker = self.worker.take();
        if worker.is_some() {
            self.builds.down(self.number, Instant::now());
        }
        let summaries = self.care.summaries.as_ref();
        if let Some((summaries, worker)) = summaries.and_then(|to| Some((to, worker.take()?))) {
            let finished = catch_unwind(AssertUnwindSafe(|| (self.finish)(&self.spec, worker)));
            match finished {
                Ok(Some(summary)) => summaries.add(self.number, Ok(summary)),
                Ok(None) => {}
                Err(payload) => {
                    let error = TaskError::finish_panicked(self.number, payload);
                    summaries.add(self.number, Err(error));
                }
            }
        }
        for worker in [worker, self.torn.take()] {
            if drop_caught(worker) {
                Counters::count(&self.counters.destructor_panics);
                trace::destructor_panicked(self.number);
            }
        }
    }
}

impl<S, W: Worker> Drop for Life<S, W> {
    fn drop(&mut self) {
        self.end();
        if let Some(summaries) = &self.care.summaries {
            summaries.close(self.number);
        }
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
