//! The workers' side.

use std::time::{Duration, Instant};

use super::state::State;
use super::{Bridge, Finished, Pulled};
use crate::TaskError;
use crate::error::drop_caught;
use crate::sync::{MutexGuard, lock, wait};

/// Work that one turn at the source should bring: long against a hand-over of the source, short
/// against what a person notices.
const TURN: Duration = Duration::from_micros(20);

/// Most items that an adaptive turn pulls.
const MAX_TURN: usize = 256;

/// One worker's place at the bridge.
pub(crate) struct Hand {
    /// How many items the next turn at the source pulls.
    turn: usize,
    /// When the last turn ended, and how many items were claimed since.
    since: Option<Instant>,
    claimed: usize,
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self { turn: 1, since: None, claimed: 0 }
    }
}

impl<T, O> Bridge<T, O> {
    /// Waits for an item to run; `None` is the end of the run.
    ///
    /// Where no item is waiting and there is room, the worker pulls one itself, by `pull`, which
    /// is called without a lock and by one thread at a time. An item is there for others to claim
    /// before `pull` is called again. `built` is false for a worker that is yet to be built: it
    /// pulls one item alone.
    pub(crate) fn claim(
        &self,
        hand: &mut Hand,
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
                hand.claimed += 1;
                self.release(state);
                return job;
            }
            if state.may_pull() {
                let turn = if built { self.turn(hand) } else { 1 };
                state = self.pull(state, turn, &mut pull);
                hand.since = Some(Instant::now());
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
        if let Err(error) = outcome {
            state.source_ended = true;
            if state.build_error.as_ref().is_none_or(|&(first, _)| worker < first) {
                state.build_error = Some((worker, error));
            }
        }
        let everyone = state.unbuilt == 0;
        self.release(state);
        if everyone {
            self.work.notify_all();
            // It may want to feed.
            self.consumer.ring();
        }
    }

    /// Pulls up to `turn` items. The lock is given back while the source works.
    fn pull<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        turn: usize,
        pull: &mut impl FnMut(usize) -> Pulled<T>,
    ) -> MutexGuard<'a, State<T, O>> {
        state.in_source = true;
        for _ in 0..turn {
            let index = state.pulled;
            // Whoever sleeps may claim what this turn has brought so far.
            self.release(state);
            let pulled = pull(index);
            state = lock(&self.state);
            match pulled {
                Pulled::Item(item) => state.push(item),
                Pulled::End => state.source_ended = true,
                Pulled::Panicked(payload) => {
                    state.source_ended = true;
                    state.source_panic = Some(payload);
                }
            }
            // Alone, since the others were retired, it runs what it holds before it asks again.
            if !state.wants_item() || state.active <= 1 {
                break;
            }
        }
        state.in_source = false;
        state
    }

    /// How many items to pull: so many that they take about [`TURN`] to run.
    ///
    /// One worker pulls one by one, since nobody else could run what it holds while the source
    /// blocks.
    fn turn(&self, hand: &mut Hand) -> usize {
        if self.plan.workers == 1 {
            return 1;
        }
        if let Some(batch) = self.plan.batch {
            return batch;
        }
        let share = (self.plan.window / (2 * self.plan.workers)).clamp(1, MAX_TURN);
        if let Some(since) = hand.since {
            let claimed = u32::try_from(hand.claimed.max(1)).unwrap_or(u32::MAX);
            let item = (since.elapsed() / claimed).max(Duration::from_nanos(1));
            let aim = TURN.as_nanos() / item.as_nanos();
            hand.turn = usize::try_from(aim).unwrap_or(MAX_TURN).clamp(1, 2 * hand.turn);
        }
        hand.claimed = 0;
        hand.turn = hand.turn.min(share);
        hand.turn
    }
}
