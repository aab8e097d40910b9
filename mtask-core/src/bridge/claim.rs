//! The workers' side.

use super::state::State;
use super::{Bridge, Finished, Pulled};
use crate::TaskError;
use crate::error::drop_caught;
use crate::sync::{MutexGuard, lock, wait};

impl<T, O> Bridge<T, O> {
    /// Waits for an item to run; `None` is the end of the run.
    ///
    /// Where no item is waiting and there is room, the worker pulls one itself, by `pull`, which
    /// is called without a lock and by one thread at a time. An item is there for others to claim
    /// before `pull` is called again. `built` is false for a worker that is yet to be built: it
    /// pulls one item alone.
    pub(crate) fn claim(
        &self,
        built: bool,
        mut pull: impl FnMut(usize) -> Pulled<T>,
    ) -> Option<(usize, T)> {
        let mut state = lock(&self.state);
        loop {
            if state.cancelled {
                return None;
            }
            if state.has_job() {
                let job = state.queue.pop_front();
                state.running += 1;
                self.release(state);
                return job;
            }
            if state.may_pull() {
                let most = if built { self.plan.batch } else { 1 };
                state = self.pull(state, most, &mut pull);
            } else if state.is_drained() {
                // The others may be asleep for the same reason that just ceased to hold.
                self.release(state);
                return None;
            } else {
                state.waiting += 1;
                state = wait(&self.work, state);
                state.waiting -= 1;
            }
        }
    }

    /// Gives the result of a claimed item. One that comes after a cancel is dropped here, in the
    /// worker.
    pub(crate) fn publish(
        &self,
        index: usize,
        worker: Option<usize>,
        result: Result<O, TaskError>,
    ) {
        let mut state = lock(&self.state);
        state.running -= 1;
        if state.cancelled {
            drop(state);
            drop_caught(result);
            return;
        }
        if state.stop_when.is_some_and(|stop| stop(&result)) {
            state.stop_at(index);
        }
        state.results.put(index, Finished { index: Some(index), worker, result });
        self.release(state);
    }

    /// Takes a worker out for good; true for the last one, which has to stay and fail every
    /// further item.
    pub(crate) fn retire(&self) -> bool {
        let mut state = lock(&self.state);
        state.active -= 1;
        state.active == 0
    }

    /// Reports a build that was asked for at the start. The first failure, by number of worker,
    /// becomes the only item.
    pub(crate) fn report_build(&self, worker: usize, outcome: Result<(), TaskError>) {
        let mut state = lock(&self.state);
        state.unbuilt -= 1;
        let mut unused = None;
        if let Err(error) = outcome {
            state.source_ended = true;
            unused = match &state.build_error {
                Some((first, _)) if *first < worker => Some((worker, error)),
                _ => state.build_error.replace((worker, error)),
            };
        }
        let everyone = state.unbuilt == 0;
        self.release(state);
        if everyone {
            self.work.notify_all();
            // It may want to feed.
            self.consumer.ring();
        }
        drop_caught(unused);
    }

    /// Pulls an item, and one more, up to `most`, for each worker that is idle: an item is not
    /// left lying about while the source may block. The lock is given back while the source works.
    fn pull<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        most: usize,
        pull: &mut impl FnMut(usize) -> Pulled<T>,
    ) -> MutexGuard<'a, State<T, O>> {
        state.in_source = true;
        for _ in 0..most {
            let index = state.pulled;
            // Whoever sleeps may claim what this turn has brought so far.
            self.release(state);
            let pulled = pull(index);
            state = lock(&self.state);
            state.receive(pulled);
            if !state.wants_item() || state.queue.len() > state.waiting {
                break;
            }
        }
        state.in_source = false;
        state
    }
}
