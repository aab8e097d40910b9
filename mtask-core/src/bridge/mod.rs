//! The bounded structure between source, workers and consumer; `README.md` beside this file
//! explains it.
//!
//! The interface is small on purpose, so that what is behind it can be replaced, modelled and
//! measured alone: workers [`claim`](Bridge::claim) and [`publish`](Bridge::publish), the consumer
//! [`take`](Bridge::take)s, and either side can [`cancel`](Bridge::cancel).

mod bell;
mod claim;
#[cfg(all(test, loom))]
mod loom_tests;
mod results;
mod state;
mod take;

use std::any::Any;

pub(crate) use bell::Bell;

use crate::TaskError;
use crate::sync::{Arc, Condvar, Mutex, lock};
use state::State;

/// What came of one call to the source's `next`.
pub(crate) enum Pulled<T> {
    Item(T),
    End,
    Panicked(Box<dyn Any + Send>),
}

/// One finished item, on its way to the consumer.
#[derive(Debug)]
pub struct Finished<O> {
    /// Position of the input in the source; `None` for an error with no item in hand.
    pub(crate) index: Option<usize>,
    /// The worker that ran it; `None` when none was left.
    pub(crate) worker: Option<usize>,
    pub(crate) result: Result<O, TaskError>,
}

/// Tells whether a result stops the run; set by `.stop_on_error()`.
pub type StopWhen<O> = fn(&Result<O, TaskError>) -> bool;

/// What a run leaves that was left early: inputs, results, and an error of a build at the start.
type Leftover<T, O> = (Vec<T>, Vec<Finished<O>>, Option<(usize, TaskError)>);

/// What a run is asked to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many worker loops will claim.
    pub(crate) workers: usize,
    /// The most items in flight.
    pub(crate) window: usize,
    /// The most items pulled in one turn at the source.
    pub(crate) batch: usize,
    /// Results leave in input order.
    pub(crate) ordered: bool,
    /// No item is pulled before every worker has reported its build.
    pub(crate) build_now: bool,
    /// The consumer pulls, by [`Bridge::take_and_feed`], and workers never do.
    pub(crate) fed: bool,
}

/// The bridge of one run, shared by its workers and its consumer.
pub(crate) struct Bridge<T, O> {
    plan: Plan,
    /// Everything that changes. Never held while user code runs.
    state: Mutex<State<T, O>>,
    /// Workers wait here: for an item, for room, for the source, for the other builds.
    work: Condvar,
    /// The consumer waits here. It is its own object, without the item types, because a run that
    /// is the source of another is woken through it when the outer one is cancelled.
    consumer: Arc<Bell>,
}

impl<T, O> Bridge<T, O> {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: Mutex::new(State::new(&plan)),
            work: Condvar::new(),
            consumer: Arc::new(Bell::new()),
        }
    }

    /// The consumer's bell, for whoever may cancel this run from outside.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.consumer
    }

    /// Ends the run: no claim succeeds and nothing is pulled from here on.
    pub(crate) fn cancel(&self) {
        lock(&self.state).cancelled = true;
        self.work.notify_all();
        self.consumer.cancel();
    }

    /// Has `stop` looked at every result, those not yet taken included: the first for which it
    /// holds ends all further claims, but for items that come before it.
    pub(crate) fn stop_when(&self, stop: StopWhen<O>) {
        let mut state = lock(&self.state);
        state.stop_when = Some(stop);
        if let Some(index) = state.results.first_that(stop) {
            state.stop_at(index);
        }
        drop(state);
        self.work.notify_all();
    }

    /// A thread is inside the source.
    pub(crate) fn is_in_source(&self) -> bool {
        lock(&self.state).in_source
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// No result will come any more.
    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        !state.results.is_ready() && state.is_over()
    }

    /// Takes out what nobody will ask for any more, for the caller to drop.
    pub(crate) fn clear(&self) -> Leftover<T, O> {
        let mut state = lock(&self.state);
        let inputs = state.queue.drain(..).map(|(_, input)| input).collect();
        (inputs, state.results.drain(), state.build_error.take())
    }

    /// The payload with which the source panicked, once.
    pub(crate) fn source_panic(&self) -> Option<Box<dyn Any + Send>> {
        lock(&self.state).source_panic.take()
    }

    /// Wakes whom a change of state may concern, and unlocks.
    fn release(&self, mut state: crate::sync::MutexGuard<'_, State<T, O>>) {
        let worker = state.waiting > 0 && state.has_work();
        let over = state.waiting > 0 && state.is_closed();
        let consumer = state.consumer_waits && (state.results.is_ready() || state.is_over());
        if consumer {
            state.consumer_waits = false;
        }
        drop(state);
        if over {
            self.work.notify_all();
        } else if worker {
            self.work.notify_one();
        }
        if consumer {
            self.consumer.ring();
        }
    }
}
