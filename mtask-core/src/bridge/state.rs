//! What changes during a run, all of it under one lock.

use std::any::Any;
use std::collections::VecDeque;

use super::results::Results;
use super::{Plan, Pulled, StopWhen};
use crate::TaskError;

pub(super) struct State<T, O> {
    window: usize,
    ordered: bool,
    fed: bool,
    /// Items pulled and not yet claimed, with their indices; the front is the oldest.
    pub(super) queue: VecDeque<(usize, T)>,
    pub(super) results: Results<O>,
    /// Items pulled from the source so far; the next one has this index.
    pub(super) pulled: usize,
    /// Items that the consumer has taken.
    pub(super) yielded: usize,
    /// Items that the consumer has taken and come back from: those no longer in flight. Behind
    /// `yielded` by the one item that is on its way out of `next()`, so that the bound holds for
    /// an observer who counts after `next()` has returned.
    pub(super) released: usize,
    /// Items claimed and not yet published.
    pub(super) running: usize,
    /// A thread is inside the source.
    pub(super) in_source: bool,
    /// The source has ended, or panicked: it is not asked again.
    pub(super) source_ended: bool,
    pub(super) source_panic: Option<Box<dyn Any + Send>>,
    pub(super) stop_when: Option<StopWhen<O>>,
    /// Items from this index on are not claimed any more.
    stop_at: Option<usize>,
    pub(super) cancelled: bool,
    /// Worker loops that still may run an item.
    pub(super) active: usize,
    /// Workers that have not reported their build yet, where all are built at the start.
    pub(super) unbuilt: usize,
    /// The first worker that could not be built at the start.
    pub(super) build_error: Option<(usize, TaskError)>,
    /// Workers asleep.
    pub(super) waiting: usize,
    /// The consumer is asleep, or about to be.
    pub(super) consumer_waits: bool,
}

impl<T, O> State<T, O> {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            window: plan.window,
            ordered: plan.ordered,
            fed: plan.fed,
            queue: VecDeque::new(),
            results: Results::new(plan.ordered),
            pulled: 0,
            yielded: 0,
            released: 0,
            running: 0,
            in_source: false,
            source_ended: false,
            source_panic: None,
            stop_when: None,
            stop_at: None,
            cancelled: false,
            active: plan.workers,
            unbuilt: if plan.build_now { plan.workers } else { 0 },
            build_error: None,
            waiting: 0,
            consumer_waits: false,
        }
    }

    /// Takes in what came of a pull: an item goes where the next worker finds it.
    pub(super) fn receive(&mut self, pulled: Pulled<T>) {
        match pulled {
            Pulled::Item(item) => {
                self.results.reserve();
                self.queue.push_back((self.pulled, item));
                self.pulled += 1;
            }
            Pulled::End => self.source_ended = true,
            Pulled::Panicked(payload) => {
                self.source_ended = true;
                self.source_panic = Some(payload);
            }
        }
    }

    /// Keeps items from `index` on from being claimed, and any item from being pulled.
    ///
    /// In input order those before it still count: they come before the error. Out of order
    /// nothing more needs to run.
    pub(super) fn stop_at(&mut self, index: usize) {
        let stop = if self.ordered { index } else { 0 };
        self.stop_at = Some(self.stop_at.map_or(stop, |before| before.min(stop)));
    }

    /// An item may be claimed.
    pub(super) fn has_job(&self) -> bool {
        let stop = self.stop_at.unwrap_or(usize::MAX);
        self.unbuilt == 0 && self.queue.front().is_some_and(|&(index, _)| index < stop)
    }

    /// The source is for the workers to pull, it is free, and there is room for what it gives.
    pub(super) fn may_pull(&self) -> bool {
        !self.fed && !self.in_source && self.wants_item()
    }

    /// There is room for an item, and a use.
    pub(super) fn wants_item(&self) -> bool {
        !self.is_closed() && self.unbuilt == 0 && self.pulled - self.released < self.window
    }

    /// A worker would find something to do.
    pub(super) fn has_work(&self) -> bool {
        self.has_job() || self.may_pull()
    }

    /// Nothing will be pulled any more.
    pub(super) fn is_closed(&self) -> bool {
        self.source_ended || self.stop_at.is_some() || self.cancelled
    }

    /// A worker that finds nothing to do has nothing to wait for.
    pub(super) fn is_drained(&self) -> bool {
        self.cancelled || (self.is_closed() && !self.has_job() && !self.in_source)
    }

    /// No result will come any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancelled || (self.is_drained() && self.running == 0)
    }
}
