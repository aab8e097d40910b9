//! A worker that is the only one: pull, run, publish, pull, with nobody to lock against.

#![allow(unsafe_code, reason = "inputs and results pass from thread to thread without a lock")]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::block::Filler;
use super::claim::WorkerSide;
use super::tuning;
use super::{Block, Bridge, Chunk, Pull, Stride, Turn};
use crate::TaskError;
use crate::sync::{Arc, AtomicUsize, Ordering, lock};

/// A turn of the only worker at the source, in which it runs each item that comes before it asks for the next, and
/// publishes the result in the place that the item would have had. Nothing is pulled ahead, so that nothing lies
/// about while the source blocks, and no item is handed from one to another.
///
/// Dropped, it ends: whatever was published is there.
pub(crate) struct Alone<'b, T, O> {
    bridge: &'b Bridge<T, O>,
    /// `None` once it has ended.
    filler: Option<Filler<T, O>>,
    worker: usize,
    /// Where the places end that there is room for.
    end: usize,
    /// The index of the first item, and of the next one that is to be run.
    from: usize,
    next: usize,
    /// An item is run, so that the thread is not inside the source: its index and one more, or 0.
    at_work: Arc<AtomicUsize>,
    turn: Turn,
    /// What the first item took, at the source and at the worker.
    pub(crate) first: (Duration, Duration),
}

impl<'b, T, O> WorkerSide<'b, T, O> {
    /// Begins a turn, where this worker is the only one, items are cheap, and the next thing to do is to pull.
    pub(crate) fn alone(&mut self, stride: Stride) -> Option<Alone<'b, T, O>> {
        let Self { bridge, worker, ref mut chunk, ref mut spare } = *self;
        let plan = &bridge.plan;
        // A task that polls has no time limit by which to make good a wake-up that it misses.
        if plan.workers > 1 || plan.fed || plan.polled || !stride.quick {
            return None;
        }
        if spare.is_none() {
            *spare = Some(bridge.spare());
        }
        if let Some(last) = chunk {
            last.give_up_begun();
            bridge.look_back(last);
        }
        let mut state = lock(&bridge.state);
        state.finish(worker);
        let is_next = state.stop_when.is_none() && state.claimable() == 0;
        if !is_next || !bridge.may_pull(&state) || !bridge.begins_quick_turn() {
            return None;
        }
        bridge.note_item_ns(stride.item_ns);
        let mut filler = bridge.filler(&mut state, spare);
        let places = filler.places();
        let (at, from) = (places.at(), places.index());
        let most = stride.most.min(plan.chunk).min(bridge.room(&state));
        let end = Block::<T, O>::LEN.min(at + most);
        let at_work = state.begin_alone();
        drop(state);
        if let Some(Chunk { block, .. }) = chunk.take() {
            bridge.recycle(block);
        }
        let (filler, first) = (Some(filler), (Duration::ZERO, Duration::ZERO));
        let turn = Turn::Enough;
        Some(Alone { bridge, filler, worker, end, from, next: from, at_work, turn, first })
    }
}

impl<T, O> Alone<'_, T, O> {
    /// Pulls and runs items. Gives how many, and the payload if the last call has panicked: then its error
    /// is to be [published](Alone::publish).
    pub(crate) fn run(
        &mut self,
        pull: &mut impl Pull<T>,
        mut call: impl FnMut(usize, T) -> O,
    ) -> (usize, Option<Box<dyn Any + Send>>) {
        let Some(filler) = &mut self.filler else { return (0, None) };
        let mut places = filler.places();
        let (worker, end, from) = (Some(self.worker), self.end, self.from);
        let (bridge, at_work) = (self.bridge, &*self.at_work);
        let (hungry, halt) = (&bridge.consumer.hungry, &bridge.consumer.wishes.halt);
        let (first, next, mut panicked) = (&mut self.first, &mut self.next, None);
        let start = Instant::now();
        self.turn = pull.turn(from, |item| {
            let index = places.index();
            let is_first = index == from;
            let pulled = if is_first { Instant::now() } else { start };
            at_work.store(index + 1, Ordering::Relaxed);
            // Nothing more is begun: it is there for whoever claims it.
            if hungry.load(Ordering::Relaxed) || index >= halt.load(Ordering::Relaxed) {
                places.put(item);
                at_work.store(0, Ordering::Release);
                return false;
            }
            match catch_unwind(AssertUnwindSafe(|| call(index, item))) {
                // SAFETY: the block is filled by the only worker alone: nothing of it is claimed until `end_alone`,
                // and then nothing before `next`.
                Ok(output) => unsafe { places.put_result(worker, Ok(output)) },
                Err(payload) => {
                    panicked = Some(payload);
                    return false;
                }
            }
            *next = index + 1;
            // Release: who sees it sees the result.
            at_work.store(0, Ordering::Release);
            bridge.look_for_consumer(from, index);
            if is_first {
                *first = (pulled - start, pulled.elapsed());
            }
            places.at() < end
                && !hungry.load(Ordering::Relaxed)
                && ((index - from) % tuning::TIMED != tuning::TIMED - 1
                    || start.elapsed() < tuning::CLAIM)
        });
        (self.next - from + usize::from(panicked.is_some()), panicked)
    }

    /// Publishes the error of the item whose call has panicked.
    ///
    /// # Panics
    ///
    /// If none has.
    pub(crate) fn publish(&mut self, error: TaskError) {
        let is_at_work = self.at_work.load(Ordering::Relaxed) != 0;
        let Some(filler) = &mut self.filler else { return };
        let mut places = filler.places();
        assert!(is_at_work && places.index() == self.next, "no call has panicked");
        // SAFETY: as in `run`.
        unsafe { places.put_result(Some(self.worker), Err(error)) };
        self.next += 1;
        self.at_work.store(0, Ordering::Release);
    }

    /// The index of the item that was begun and not published, or else of the next one.
    pub(crate) fn index(&self) -> usize {
        self.next
    }
}

impl<T, O> Drop for Alone<'_, T, O> {
    fn drop(&mut self) {
        let Some(filler) = self.filler.take() else { return };
        let bridge = self.bridge;
        let turn = std::mem::replace(&mut self.turn, Turn::Enough);
        let mut state = bridge.end_turn(filler, turn);
        // SAFETY: `next` is behind the last result that was put, and what is filled behind it is an input.
        unsafe { state.end_alone(self.next) };
        bridge.release(state);
        bridge.look_back_at(self.from, self.next);
    }
}
