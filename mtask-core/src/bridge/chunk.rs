//! What a worker has claimed, item by item.

use super::block::Block;
use super::signals::{ANYTHING, NOBODY};
use super::{Bridge, StopWhen};
use crate::TaskError;
use crate::sync::{Arc, Ordering, fence, lock};

/// Items that a worker has claimed: those it has begun on here, the rest in its hand, where others
/// may take them.
pub(crate) struct Chunk<T, O> {
    pub(super) block: Arc<Block<T, O>>,
    pub(super) worker: usize,
    /// The place of the next item.
    pub(super) at: usize,
    /// Where the places end that nobody else can take any more.
    pub(super) end: usize,
    /// How many places it takes from its hand at a time.
    pub(super) step: usize,
    /// Items are so cheap that a fence at each would be dear.
    pub(super) quick: bool,
    pub(super) stop_when: Option<StopWhen<O>>,
}

impl<T, O> Chunk<T, O> {
    /// The index of the item in hand, or else of the next one.
    pub(crate) fn index(&self) -> usize {
        self.block.base() + self.at
    }
}

impl<T, O> Bridge<T, O> {
    /// The next item of a claim. Each has to be [published](Bridge::publish) before the next is
    /// taken; `None` is the end of the claim.
    #[inline(always)]
    pub(crate) fn next(&self, chunk: &mut Chunk<T, O>) -> Option<(usize, T)> {
        if chunk.at == chunk.end {
            (chunk.at, chunk.end) = self.hands[chunk.worker].take(chunk.step)?;
        }
        let index = chunk.index();
        if index >= self.signals.wishes.halt.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: the place is of this claim, and `at` goes on with its publication, so that it is
        // taken once. What runs between the two does not unwind.
        Some((index, unsafe { chunk.block.take_input(chunk.at) }))
    }

    /// Gives the result of the item in hand. One that comes after a cancel is dropped with the
    /// block.
    #[inline(always)]
    pub(crate) fn publish(
        &self,
        chunk: &mut Chunk<T, O>,
        worker: Option<usize>,
        result: Result<O, TaskError>,
    ) {
        let index = chunk.index();
        if !chunk.quick
            && chunk.stop_when.is_none()
            && self.signals.wishes.stops.load(Ordering::Relaxed)
        {
            chunk.stop_when = lock(&self.state).stop_when;
        }
        if chunk.stop_when.is_some_and(|stop| stop(&result)) {
            self.stop_at(index);
        }
        // SAFETY: `next` has taken the input of this place, and `at` moves on.
        unsafe { chunk.block.put_output(chunk.at, worker, result) };
        chunk.at += 1;
        if !chunk.quick {
            // Between the result and the look for who waits for it, as the consumer has one
            // between saying that it waits and its last look for the result.
            fence(Ordering::SeqCst);
        }
        let watch = self.signals.wishes.watch.load(Ordering::Relaxed);
        if watch != NOBODY && (watch == index || watch == ANYTHING) {
            self.wake_consumer();
        }
    }

    /// Puts back what is left of a claim, for others to claim: its worker is not built any more.
    pub(crate) fn give_back(&self, chunk: &mut Chunk<T, O>) {
        let mut state = lock(&self.state);
        let end = self.hands[chunk.worker].drain().map_or(chunk.end, |(_, end)| end);
        if chunk.at < end {
            state.put_back(Arc::clone(&chunk.block), chunk.at, end);
            chunk.at = end;
        }
        chunk.end = end;
        self.release(state);
    }
}
