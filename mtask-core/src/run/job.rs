//! What a run is made of, before it starts.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::needs_drop;

use super::exit::{Exit, Limits};
use super::nested::Stage;
use super::policy::Care;
use crate::Worker;
use crate::bridge::{Bridge, Finished, Outlet, Plan, StopWhen};
use crate::observe::stats::Counters;
use crate::observe::trace::Scope;
use crate::run::control::Control;
use crate::sync::Arc;

/// What a run gives when it is asked.
#[doc(hidden)]
pub type Next<O> = Result<Option<Finished<O>>, Box<dyn Any + Send>>;

/// What a backend is given to run.
#[doc(hidden)]
pub struct Job<I, S, W: Worker> {
    pub(crate) source: I,
    pub(crate) team: Team<S, W>,
    pub(crate) options: Options<W::Output>,
    pub(crate) stage: Stage,
    pub(crate) worker: PhantomData<fn() -> W>,
}

impl<I, S, W: Worker> fmt::Debug for Job<I, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("workers", &self.team.specs.len()).finish_non_exhaustive()
    }
}

/// The workers to be, and what becomes of them.
pub(crate) struct Team<S, W: Worker> {
    pub(crate) specs: Vec<S>,
    pub(crate) care: Care<W::Input, W::Output>,
    /// By which the run is ended from outside.
    pub(crate) control: Arc<Control>,
    pub(crate) counters: Arc<Counters>,
    /// What the workers tell comes from here.
    pub(crate) trace: Scope,
    /// Held by each thread that works at the run, until it is through with it.
    pub(crate) alive: Arc<()>,
    /// All are built at the start.
    pub(crate) build_now: bool,
    /// How long they are waited for at the end.
    pub(crate) limits: Limits,
}

impl<S, W: Worker> Team<S, W> {
    /// What the end of the run needs of it.
    pub(crate) fn exit(&self) -> Exit {
        let (workers, summaries) = (self.specs.len(), self.care.summaries.clone());
        let counters = Arc::clone(&self.counters);
        Exit { limits: self.limits, workers, summaries, counters, trace: self.trace.clone() }
    }
}

/// The options of a run that concern its bridge, as the front collects them.
pub(crate) struct Options<O> {
    pub(crate) ordered: bool,
    /// `None` adapts.
    pub(crate) window: Option<usize>,
    /// `None` adapts.
    pub(crate) chunk: Option<usize>,
    pub(crate) stop_when: Option<StopWhen<O>>,
    /// The consumer polls.
    pub(crate) polled: bool,
}

impl<O> Default for Options<O> {
    fn default() -> Self {
        Self { ordered: true, window: None, chunk: None, stop_when: None, polled: false }
    }
}

impl<I: Iterator, S, W: Worker<Input = I::Item>> Job<I, S, W> {
    /// Where the results of this job come out; `fed` where the consumer pulls the source, and with so
    /// many loops for each worker.
    pub(crate) fn outlet(&self, fed: bool, lanes: usize) -> Outlet<I::Item, W::Output> {
        let plan = Plan {
            workers: self.team.specs.len() * lanes,
            window: self.options.window,
            item_bytes: size_of::<I::Item>().max(size_of::<W::Output>()),
            owning: needs_drop::<I::Item>() || needs_drop::<W::Output>(),
            chunk: self.options.chunk.unwrap_or(usize::MAX),
            ordered: self.options.ordered,
            build_now: self.team.build_now,
            fed,
            polled: self.options.polled,
        };
        let (_, mut outlet) = Bridge::new(plan, Arc::clone(self.team.control.notifier()));
        if let Some(stop) = self.options.stop_when {
            outlet.stop_when(stop);
        }
        outlet
    }
}
