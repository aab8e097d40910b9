//! A turn at the source.

use std::any::Any;

use super::block::Block;
use super::signals::ANYTHING;
use super::state::State;
use super::{Bridge, Stride};
use crate::sync::{Arc, MutexGuard, Ordering, lock};

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
            state = self.quick_turn(state, stride.most, spare, pull);
        } else {
            let most = if stride.built { self.plan.chunk } else { 1 };
            for _ in 0..most {
                state = self.pull_one(state, spare, pull);
                let is_wanted = state.wants_items() && self.room(&state) > 0;
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
        let block = state.block_to_fill(spare);
        let at = block.filled();
        // Whoever sleeps may claim what this turn has brought so far.
        self.release(state);
        let turn = pull.turn(block.base() + at, |item| {
            // SAFETY: others are kept out of the source: by `in_source`, or because it is the consumer
            // alone who pulls, where the bridge is fed or no worker has started. `at` is where it
            // stood, and this is called once, since it wants no more.
            unsafe { block.put_input(at, item) };
            false
        });
        self.end_turn(block, turn)
    }

    fn quick_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T, O>>,
        most: usize,
        spare: &mut Option<Arc<Block<T, O>>>,
        pull: &mut impl Pull<T>,
    ) -> MutexGuard<'a, State<T, O>> {
        let block = state.block_to_fill(spare);
        let mut at = block.filled();
        let first = block.base() + at;
        let room = self.room(&state);
        let end = Block::<T, O>::LEN.min(at + most.min(room));
        self.signals.hungry.store(false, Ordering::Relaxed);
        state.quick_turn = true;
        drop(state);
        let (inputs, hungry, watch) = (&*block, &self.signals.hungry, &self.signals.wishes.watch);
        let turn = pull.turn(first, move |item| {
            // SAFETY: `in_source` keeps others out of the source, and `at` counts along.
            unsafe { inputs.put_input(at, item) };
            at += 1;
            let is_wanted = hungry.load(Ordering::Relaxed)
                // Out of order the consumer may wait for just this item.
                || watch.load(Ordering::Relaxed) == ANYTHING;
            at < end && !is_wanted
        });
        let mut state = self.end_turn(block, turn);
        state.quick_turn = false;
        state
    }

    fn end_turn(&self, block: Arc<Block<T, O>>, turn: Turn) -> MutexGuard<'_, State<T, O>> {
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
            return state;
        }
        // This may be the last hold on the block: its items are not dropped under the lock.
        drop(state);
        drop(block);
        lock(&self.state)
    }
}
