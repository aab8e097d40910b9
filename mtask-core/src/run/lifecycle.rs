//! The life of one worker: built from its spec, built anew after a panic or when its time is over,
//! retired when it cannot be built, finished at the end.

mod record;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::error::{GivenUp, drop_caught};
use crate::finish::AnySummary;
use crate::observe::stats::{Counters, Tally};
use crate::observe::trace;
use crate::run::builds::Builds;
use crate::run::control::Control;
use crate::run::policy::{Again, Care, Flatten, Place};
use crate::sync::Arc;
use crate::{Context, Spec, TaskError, Worker};
use record::Failed;
pub(crate) use record::Record;

/// A worker's place: its spec, and the worker where it is built. Stays on one thread.
pub(crate) struct Life<S, W: Worker> {
    spec: S,
    worker: Option<W>,
    /// A worker that has panicked, and is yet to be dropped: its destructor may take long, and holds
    /// up neither the error nor the items behind it.
    torn: Option<W>,
    record: Record,
    care: Care<W::Input, W::Output>,
    /// The spec's, so that a life can end where nothing is known of the spec.
    finish: fn(&S, W) -> Option<AnySummary>,
}

/// Why there is no worker.
pub(crate) enum NotBuilt {
    /// It could not be built, which is tried again after so long.
    Later(Duration),
    /// It is built no more.
    Never(GivenUp),
}

impl<S, W: Worker> Life<S, W> {
    pub(crate) fn new(spec: S, record: Record, care: Care<W::Input, W::Output>) -> Self
    where
        S: Spec<W>,
    {
        Self { spec, worker: None, torn: None, record, care, finish: S::finish }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn number(&self) -> usize {
        self.record.number
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.record.counters
    }

    pub(crate) fn control(&self) -> &Control {
        &self.record.control
    }

    pub(crate) fn tally(&self) -> &Tally {
        self.record.tally()
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
        self.record.begin(counters, control, builds, self.worker.is_some());
    }

    pub(crate) fn is_built(&self) -> bool {
        self.worker.is_some()
    }

    /// Its last build has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.worker.is_none() && self.record.failure.is_some()
    }

    /// Why it is built no more.
    pub(crate) fn given_up(&self) -> Option<&GivenUp> {
        self.record.given_up.as_ref()
    }

    /// Ends the worker where its time is over, so that the next one is built before it has an item.
    pub(crate) fn end_if_served(&mut self) {
        let served = self.record.served;
        if self.worker.is_some() && self.care.lifespan.is_some_and(|most| served >= most) {
            trace::lifespan_over(self.number(), served);
            self.end();
        }
    }

    /// Waits for some of the time until a worker may be built that could not be; false where there is nothing to
    /// wait for.
    pub(crate) fn back_off(&mut self) -> bool {
        self.worker.is_none() && self.record.back_off()
    }

    /// How many items at the most the worker may run before something else is to be done.
    pub(crate) fn left(&self) -> usize {
        self.care.lifespan.map_or(usize::MAX, |most| most.saturating_sub(self.record.served).max(1))
    }

    /// Items have to be run one by one, by [`run`](Life::run).
    pub(crate) fn is_careful(&self) -> bool {
        self.care.again.is_some() || self.care.lifespan.is_some()
    }

    /// The worker, where there is one, and what it can know of its run: for item after item.
    pub(crate) fn worker(&mut self) -> Option<(&mut W, Context<'_>)> {
        let context = Context::new(self.number(), 0, &*self.record.control);
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
        let worker = result.as_ref().map_or_else(TaskError::worker, |_| Some(self.number()));
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
        let (mut next, mut attempt) = (input, 1);
        loop {
            self.tally().at_attempt(attempt);
            let mut copy = None;
            if attempt <= again.retry.most() {
                // The user's code, as a call is.
                match catch_unwind(AssertUnwindSafe(|| (again.copy)(&next))) {
                    Ok(made) => copy = Some(made),
                    Err(payload) => {
                        drop_caught(next);
                        return Err(self.panicked(index, payload).after(attempt - 1));
                    }
                }
            }
            let result = self.run_once(index, next, attempt, again.flatten);
            next = match (copy, &result) {
                (Some(copy), Err(error))
                    if again.is_due(attempt, error)
                        && self.record.tries_again(index, attempt, &again.retry) =>
                {
                    copy
                }
                (copy, _) => {
                    drop_caught(copy);
                    return result;
                }
            };
            drop_caught(result);
            attempt += 1;
        }
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
        let context = Context::new(self.number(), index, &*self.record.control).at_attempt(attempt);
        let worker = self.worker.as_mut().expect("it was just built");
        self.record.served += 1;
        let place = Place { index, worker: self.record.number, attempt };
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
        self.torn = self.worker.take();
        self.record.panicked(index, payload, self.care.summaries.as_ref())
    }

    /// Builds the worker where there is none, if it is time for that.
    pub(crate) fn build(&mut self) -> Result<(), NotBuilt> {
        if self.worker.is_some() {
            return Ok(());
        }
        self.build_missing()
    }

    #[cold]
    #[inline(never)]
    fn build_missing(&mut self) -> Result<(), NotBuilt> {
        self.end();
        let start = self.record.begin_build()?;
        let failed = match catch_unwind(AssertUnwindSafe(|| self.spec.build())) {
            Ok(Ok(worker)) => {
                self.worker = Some(worker);
                self.record.built(start);
                return Ok(());
            }
            Ok(Err(error)) => Failed::Returned(error),
            Err(payload) => Failed::Panicked(payload),
        };
        Err(self.record.failed(start, failed))
    }

    /// Builds the worker where there is none, with pauses between attempts, for an item that is to be run here.
    pub(crate) fn build_in_time(&mut self) -> Result<(), GivenUp> {
        loop {
            match self.build() {
                Ok(()) => return Ok(()),
                Err(NotBuilt::Later(left)) => self.record.pause_build(left),
                Err(NotBuilt::Never(why)) => return Err(why),
            }
        }
    }

    /// Builds the worker where there is none, before there are items: as often as where no worker ever was up.
    pub(crate) fn build_at_start(&mut self) -> Result<(), TaskError> {
        let mut attempt = 1;
        while let Err(failed) = self.build() {
            self.record.goes_on_at_start(attempt, &failed)?;
            attempt += 1;
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
            self.record.down();
        }
        let summaries = self.care.summaries.as_ref();
        if let Some((summaries, worker)) = summaries.and_then(|to| Some((to, worker.take()?))) {
            let finished = catch_unwind(AssertUnwindSafe(|| (self.finish)(&self.spec, worker)));
            self.record.finished(summaries, finished);
        }
        self.drop_caught(worker);
        let torn = self.torn.take();
        self.drop_caught(torn);
    }

    fn drop_caught(&self, worker: Option<W>) {
        if drop_caught(worker) {
            self.record.destructor_panicked();
        }
    }
}

impl<S, W: Worker> Drop for Life<S, W> {
    fn drop(&mut self) {
        self.end();
        if let Some(summaries) = &self.care.summaries {
            summaries.close(self.number());
        }
    }
}
