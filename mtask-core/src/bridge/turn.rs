//! A turn at the source.

use std::any::Any;

use super::block::{Block, Filler};
use super::signals::ANYTHING;
use super::state::State;
use super::{Bridge, Stride};
use crate::sync::{Arc, MutexGuard, Ordering, fence, lock};

/// Who asks the source. Called without a lock, and by one thread at a time.
pub(crate) trait Pull<T> {
    /// Asks for items, the first of them at `index`, and gives each to `keep` before it asks for
    /// the next, until `keep` wants no more.
    fn turn(&mut self, index: usize, keep: impl FnMut(T) -> bool) -> Turn;
}

/// How a turn at the source ended.
pub(crate) enum Turn {
    /// `keep` wanted no more.
    Enough,
    /// The source has ended.
    End,
    Panicked(Box<dyn Any + Send>),
}

impl<T, O> Bridge<T, O> {
    /// Pulls items, without the lock, so that the caller and others may claim them.
    ///
    /// A quick turn brings as many as the caller can use. Others may claim each as soon as it is
    /// there; they are not woken for it, but nobody sleeps unasked while a quick turn is on: who
    /// finds nothing to do says that it is hungry, which ends the turn at the next item.
    ///
    /// Any other turn brings one item, and one more for each worker that is idle, and wakes it. So
    /// nothing lies about while the source blocks. One worker alone always pulls one by one.
    pub(super) fn turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        stride: Stride,
        spare: &mut Option<Arc<Block<T, O>>>,
        pull: &mut impl Pull<T>,
    ) -> MutexGuard<'a, State<T, O>> {
        state.in_source = true;
        if stride.quick && state.active.saturating_sub(state.away) > 1 && state.idle == 0 {
            // Out of order the consumer may wait for just this item.
            let is_awaited = || self.consumer.wishes.watch.load(Ordering::Relaxed) == ANYTHING;
            state = self.quick_turn(state, stride.most, spare, pull, is_awaited);
        } else {
            let most = if stride.built { self.plan.chunk } else { 1 };
            for _ in 0..most {
                state = self.pull_one(state, spare, pull);
                let is_wanted = self.wants_items(&state) && self.room(&state) > 0;
                if !is_wanted || state.claimable() > state.idle {
                    break;
                }
            }
        }
        state.in_source = false;
        state
    }

    /// Pulls one item and wakes who may be asleep for it.
    pub(super) fn pull_one<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        spare: &mut Option<Arc<Block<T, O>>>,
        pull: &mut impl Pull<T>,
    ) -> MutexGuard<'a, State<T, O>> {
        let mut filler = self.filler(&mut state, spare);
        // Whoever sleeps may claim what this turn has brought so far.
        self.release(state);
        let mut places = filler.places();
        let turn = pull.turn(places.index(), |item| {
            places.put(item);
            false
        });
        self.end_turn(filler, turn)
    }

    /// Pulls up to so many items, as far as there is room, until somebody finds nothing to do or `is_enough` holds.
    pub(super) fn quick_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        most: usize,
        spare: &mut Option<Arc<Block<T, O>>>,
        pull: &mut impl Pull<T>,
        is_enough: impl Fn() -> bool,
    ) -> MutexGuard<'a, State<T, O>> {
        if !self.begins_quick_turn() {
            return state;
        }
        let mut filler = self.filler(&mut state, spare);
        let mut places = filler.places();
        let room = self.room(&state);
        let end = Block::<T, O>::LEN.min(places.at() + most.min(room));
        state.quick_turn = true;
        drop(state);
        let hungry = &self.consumer.hungry;
        let turn = pull.turn(places.index(), move |item| {
            places.put(item);
            places.at() < end && !hungry.load(Ordering::Relaxed) && !is_enough()
        });
        let mut state = self.end_turn(filler, turn);
        state.quick_turn = false;
        state
    }

    /// Says that nobody is known to find nothing to do, under the lock; false where the run is aborted.
    pub(super) fn begins_quick_turn(&self) -> bool {
        self.consumer.hungry.store(false, Ordering::Relaxed);
        // Between saying so and a last look whether the run is aborted: see `Notifier::abort`.
        fence(Ordering::SeqCst);
        !self.consumer.is_aborted()
    }

    /// The right to fill, for a thread that others are kept from following into the source: by
    /// `in_source`, or because it is the consumer alone who pulls, where the bridge is fed or no worker has
    /// started.
    pub(super) fn filler(
        &self,
        state: &mut State<T, O>,
        spare: &mut Option<Arc<Block<T, O>>>,
    ) -> Filler<T, O> {
        state.take_filler(spare).expect("one thread at a time is in the source")
    }

    pub(super) fn end_turn(&self, filler: Filler<T, O>, turn: Turn) -> MutexGuard<'_, State<T, O>> {
        let mut state = lock(&self.state);
        match turn {
            Turn::Enough => {}
            Turn::End => state.source_ended = true,
            Turn::Panicked(payload) => {
                state.source_ended = true;
                state.source_panic = Some(payload);
            }
        }
        if !state.cancelled {
            state.put_filler(filler);
            return state;
        }
        // This may be the last hold on the block: its items are not dropped under the lock.
        drop(state);
        drop(filler);
        lock(&self.state)
    }
}
