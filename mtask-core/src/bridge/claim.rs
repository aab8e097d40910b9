//! The workers' side.

use std::mem;
use std::time::{Duration, Instant};

use super::block::Block;
use super::chunk::{Chunk, Claim};
use super::state::{Span, State};
use super::tuning;
use super::{Bridge, Pull};
use crate::TaskError;
use crate::error::drop_caught;
use crate::sync::{Arc, MutexGuard, Ordering, fence, lock, pause, wait, yield_now};

/// What a worker has slept for, while it claimed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slept {
    /// For want of items.
    pub(crate) input: Duration,
    /// Because the window was full.
    pub(crate) room: Duration,
}

/// How a worker claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stride {
    /// The most items in a claim.
    pub(crate) most: usize,
    /// How many of them it takes in hand at a time, where others cannot take them any more.
    pub(crate) step: usize,
    /// Items are so cheap that a fence at each would be dear.
    pub(crate) quick: bool,
    /// The worker is built. One that is not claims one item, since its build may take long.
    pub(crate) built: bool,
    /// How long an item took of late, in nanoseconds; 0 where that is not known.
    pub(crate) item_ns: usize,
}

/// A worker's side of a bridge. There is one for each worker, so that what is in its hand is of its own
/// claim.
pub(crate) struct WorkerSide<'b, T, O> {
    pub(super) bridge: &'b Bridge<T, O>,
    pub(super) worker: usize,
    /// The claim that it has, or is through with.
    pub(super) chunk: Option<Chunk<T, O>>,
    /// A block to fill, made while the lock was not held.
    pub(super) spare: Option<Arc<Block<T, O>>>,
}

impl<T, O> Drop for WorkerSide<'_, T, O> {
    fn drop(&mut self) {
        if let Some(chunk) = &mut self.chunk {
            chunk.give_up_begun();
        }
    }
}

impl<T, O> WorkerSide<'_, T, O> {
    /// Waits for items to run; `None` is the end of the run.
    ///
    /// The worker is through with its last claim. Where nothing is waiting and there is room, it pulls
    /// items itself.
    pub(crate) fn claim(
        &mut self,
        mut stride: Stride,
        pull: &mut impl Pull<T>,
        slept: &mut Slept,
    ) -> Option<Claim<'_, T, O>> {
        let Self { bridge, worker, ref mut chunk, ref mut spare } = *self;
        let window = bridge.signals.room.window.load(Ordering::Relaxed);
        let share = window / bridge.plan.workers;
        stride.most = stride.most.min(bridge.plan.chunk).min(share.max(1));
        if stride.quick && spare.is_none() {
            *spare = Some(bridge.spare());
        }
        if let Some(last) = chunk {
            last.give_up_begun();
            bridge.look_back(last);
        }
        // Of results alone: a turn at the source concerns workers.
        let quick = stride.quick && !bridge.plan.polled;
        let mut looks = 0;
        debug_assert!(
            bridge.hands[worker].len() == 0
                || bridge.consumer.wishes.halt.load(Ordering::Relaxed) < usize::MAX,
            "worker {worker} is not through with its last claim, and nothing has told it to stop"
        );
        let mut state = lock(&bridge.state);
        state.finish(worker);
        if stride.item_ns > 0 {
            bridge.note_item_ns(stride.item_ns);
        }
        // What comes first in the source is preferred: what is left of an old claim, then what was
        // pulled, then the source itself, then what is left of any other claim.
        let span = loop {
            if state.cancelled || bridge.consumer.is_aborted() {
                break None;
            }
            if let Some(span) =
                bridge.steal(&state, worker, stride.most, tuning::OLD * bridge.plan.workers)
            {
                break Some(span);
            }
            // A little patience makes for a large claim in place of many small ones.
            let patient = stride.quick && looks < tuning::LOOKS;
            if !(patient && state.quick_turn) {
                if let Some(span) = state.next_span(stride.most) {
                    break Some(span);
                }
            }
            let enough = if looks == 0 { 1 } else { window / 4 };
            if bridge.may_pull(&state) && (!patient || bridge.room(&state) >= enough) {
                state = bridge.turn(state, stride, spare, pull);
                continue;
            }
            if let Some(span) = bridge.steal(&state, worker, stride.most, 0) {
                break Some(span);
            }
            if state.is_drained() {
                break None;
            }
            state = bridge.idle(state, &mut looks, slept);
        };
        if let Some(span) = &span {
            state.hold(worker, span, quick, stride.built);
            bridge.hands[worker].set(span.start, span.end);
        } else {
            // It may be the last one already, who had stayed to fail what was left.
            state.active = state.active.saturating_sub(1);
        }
        let stop_when = state.stop_when;
        // The others may be asleep for a reason that just ceased to hold.
        bridge.release(state);
        // Not before: what it was through with is not dropped under the lock.
        if let Some(last) = chunk.take() {
            bridge.recycle(last.block);
        }
        let Span { block, start, end } = span?;
        // A short claim may be all there is: its items are to be open to others.
        let step = stride.step.min((end - start).div_ceil(tuning::STEPS));
        let from = block.base() + start;
        let (at, begun, end) = (start, start, start);
        let chunk =
            chunk.insert(Chunk { block, worker, from, at, begun, end, step, quick, stop_when });
        Some(Claim { bridge, chunk })
    }

    /// Notes that the worker claims nothing until it has been built, or that it is back: what is pulled
    /// ahead is not for it.
    pub(crate) fn note_away(&self, is_away: bool) {
        let mut state = lock(&self.bridge.state);
        if is_away {
            self.leave_for_now(&mut state);
        } else {
            state.away = state.away.saturating_sub(1);
        }
    }

    /// Notes the same of a worker that could claim, unless there is something for it: then, or while a quick turn may
    /// bring it, it is not away.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn stand_aside(&self) -> bool {
        let mut state = lock(&self.bridge.state);
        let is_free = state.claimable() == 0 && !state.quick_turn;
        if is_free {
            self.leave_for_now(&mut state);
        }
        is_free
    }

    fn leave_for_now(&self, state: &mut State<T, O>) {
        state.away += 1;
        // Under the lock: a quick turn counts on others to claim what it brings.
        self.bridge.consumer.hungry.store(true, Ordering::Relaxed);
    }

    /// Takes the worker out for good, which is through with its claim; true for the last one, which
    /// has to stay and fail every item that is left.
    pub(crate) fn retire(&mut self) -> bool {
        let mut state = lock(&self.bridge.state);
        state.active -= 1;
        let is_last = state.active == 0;
        if !is_last {
            state.finish(self.worker);
        }
        self.bridge.release(state);
        is_last
    }

    /// Reports a build that was asked for at the start. The first failure, by number of worker,
    /// becomes the only item.
    pub(crate) fn report_build(&mut self, outcome: Result<(), TaskError>) {
        let mut state = lock(&self.bridge.state);
        state.unbuilt -= 1;
        let (worker, mut unused) = (self.worker, None);
        if let Err(error) = outcome {
            state.source_ended = true;
            unused = match &state.build_error {
                Some((first, _)) if *first < worker => Some((worker, error)),
                _ => state.build_error.replace((worker, error)),
            };
        }
        let everyone = state.unbuilt == 0;
        self.bridge.release(state);
        if everyone {
            self.bridge.work.notify_all();
            // It may want to feed.
            self.bridge.consumer.notify();
        }
        drop_caught(unused);
    }
}

impl<T, O> Bridge<T, O> {
    /// A worker's side.
    ///
    /// # Panics
    ///
    /// If it has been given out before.
    pub(crate) fn side(&self, worker: usize) -> WorkerSide<'_, T, O> {
        let is_there = mem::replace(&mut lock(&self.state).sides[worker], true);
        assert!(!is_there, "worker {worker} is at the bridge already");
        WorkerSide { bridge: self, worker, chunk: None, spare: None }
    }

    /// Takes at most `most` items from what another worker has claimed and not begun, if that
    /// claim is at least so many claims old.
    fn steal(
        &self,
        state: &State<T, O>,
        worker: usize,
        most: usize,
        age: usize,
    ) -> Option<Span<T, O>> {
        (0..self.plan.workers).filter(|&other| other != worker).find_map(|other| {
            let held = state.held(other)?;
            if state.age(held) < age || self.hands[other].len() == 0 {
                return None;
            }
            let (start, end) = self.hands[other].steal(most)?;
            debug_assert!(
                held.start <= start && start < end && end <= held.end,
                "{start} to {end} were stolen from a claim of {} to {}",
                held.start,
                held.end,
            );
            let span = Span { block: Arc::clone(&held.block), start, end };
            // What comes too late is not run by anybody, and may be dropped as well here as there.
            state.stop.is_none_or(|stop| span.index() < stop).then_some(span)
        })
    }

    /// Passes time until there may be something to do.
    fn idle<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        looks: &mut u32,
        slept: &mut Slept,
    ) -> MutexGuard<'a, State<T, O>> {
        *looks += 1;
        let is_cheap = tuning::NO_SLEEP.contains(&self.signals.item_ns.load(Ordering::Relaxed));
        if *looks <= tuning::LOOKS && is_cheap {
            drop(state);
            yield_now();
            return lock(&self.state);
        }
        if *looks <= tuning::PAUSES && state.in_source {
            drop(state);
            pause();
            return lock(&self.state);
        }
        self.consumer.hungry.store(true, Ordering::Relaxed);
        state.idle += 1;
        self.signals.asleep.fetch_add(1, Ordering::Relaxed);
        // Between saying that it sleeps and a last look for room, as the consumer has one between
        // making room and looking for sleepers.
        fence(Ordering::SeqCst);
        // And an item may have come since this worker looked: from a quick turn, or it was patient.
        if !self.may_pull(&state) && state.claimable() == 0 {
            if state.napping {
                // What it sleeps for may not come any more.
                self.wake_consumer();
            }
            let for_room = state.wants_items() && self.room(&state) == 0;
            let start = Instant::now();
            state = if state.quick_turn { self.nap(state) } else { wait(&self.work, state) };
            *(if for_room { &mut slept.room } else { &mut slept.input }) += start.elapsed();
        }
        if state.woken > 0 {
            state.woken -= 1;
        } else {
            self.signals.asleep.fetch_sub(1, Ordering::Relaxed);
        }
        state.idle -= 1;
        state
    }

    /// Sleeps while a quick turn goes on. The thread in the source looks for who is hungry without
    /// a fence, so that in theory it may see it late: hence the limit.
    #[cfg(not(loom))]
    fn nap<'a>(&'a self, state: MutexGuard<'a, State<T, O>>) -> MutexGuard<'a, State<T, O>> {
        crate::sync::wait_timeout(&self.work, state, Some(tuning::UNFENCED))
    }

    /// The models know no clock: a sleep that may end at any time has ended.
    #[cfg(loom)]
    fn nap<'a>(&'a self, state: MutexGuard<'a, State<T, O>>) -> MutexGuard<'a, State<T, O>> {
        drop(state);
        yield_now();
        lock(&self.state)
    }

    /// Takes what an item cost in one claim into what all of them are taken to cost.
    pub(super) fn note_item_ns(&self, ns: usize) {
        let before = self.signals.item_ns.load(Ordering::Relaxed);
        let now = match before {
            0 => ns,
            // No single claim, which may have been held up by other threads, moves it far.
            // Rounded up, or it would never leave 1.
            before => {
                let ns = ns.clamp(before / 4, before.saturating_mul(4));
                before.saturating_mul(3).saturating_add(ns).div_ceil(4)
            }
        };
        self.signals.item_ns.store(now.max(1), Ordering::Relaxed);
    }
}
