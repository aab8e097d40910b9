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
    /// The index of the first item.
    pub(super) from: usize,
    /// The place of the next item.
    pub(super) at: usize,
    /// Where the places end that nobody else can take any more.
    pub(super) end: usize,
    /// How many places it takes from its hand at a time.
    pub(super) step: usize,
    /// Items are so cheap that a fence at each would be dear.
    pub(super) quick: bool,
    pub(super) stop_when: Option<StopWhen<O>>,
    /// A block to fill, made while the lock was not held.
    pub(super) spare: Option<Arc<Block<T, O>>>,
}

impl<T, O> Chunk<T, O> {
    /// The index of the item in hand, or else of the next one.
    pub(crate) fn index(&self) -> usize {
        self.block.base() + self.at
    }
}

impl<T, O> Bridge<T, O> {
    /// Runs the items of a claim by `call` and publishes each result. Should `call` unwind, the item
    /// in hand is the one at [`index`](Chunk::index), which is then to be published.
    #[inline]
    pub(crate) fn run(&self, chunk: &mut Chunk<T, O>, mut call: impl FnMut(usize, T) -> O) {
        let worker = Some(chunk.worker);
        if !chunk.quick || chunk.stop_when.is_some() {
            while let Some((index, input)) = self.next(chunk) {
                let output = call(index, input);
                self.publish(chunk, worker, Ok(output));
            }
            return;
        }
        // The same at the least cost, for items that take nanoseconds.
        let wishes = &self.signals.wishes;
        while self.is_at_hand(chunk) {
            let first = chunk.index();
            let Chunk { block, from, at, end, .. } = chunk;
            for (index, place) in (first..).zip(block.places(*at, *end)) {
                if index >= wishes.halt.load(Ordering::Relaxed) {
                    return;
                }
                // SAFETY: as in `next`.
                let output = call(index, unsafe { place.take_input() });
                // SAFETY: as in `publish`.
                unsafe { place.put_output(worker, Ok(output)) };
                *at += 1;
                self.look_for_consumer(*from, index);
            }
        }
    }

    /// The next item of a claim. Each has to be [published](Bridge::publish) before the next is
    /// taken; `None` is the end of the claim.
    pub(crate) fn next(&self, chunk: &mut Chunk<T, O>) -> Option<(usize, T)> {
        let index = chunk.index();
        if !self.is_at_hand(chunk) || index >= self.signals.wishes.halt.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: the place is of this claim, and `at` goes on with its publication, so that it is
        // taken once. What runs between the two does not unwind, or is caught.
        Some((index, unsafe { chunk.block.place(chunk.at).take_input() }))
    }

    /// Puts back the input of the item in hand, which was not begun; [`next`](Bridge::next) takes it again, here or at
    /// another worker once the claim is [given back](Bridge::give_back).
    pub(crate) fn put_back(&self, chunk: &mut Chunk<T, O>, input: T) {
        // SAFETY: the place is of this claim, and `next` has taken its input out.
        unsafe { chunk.block.place(chunk.at).put_input(input) };
    }

    /// The result of this item is of use, as far as is known: the run is not to end before it.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn is_wanted(&self, index: usize) -> bool {
        index < self.signals.wishes.halt.load(Ordering::Relaxed)
    }

    /// Takes inputs off a claim, in order, as long as `more` says so of each. Every one of them has to
    /// be [published](Bridge::publish), in the same order, before this is called again. `more` does not
    /// unwind.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn take_while(
        &self,
        chunk: &mut Chunk<T, O>,
        mut more: impl FnMut(usize, T) -> bool,
    ) {
        if let Some((_, end)) = self.hands[chunk.worker].drain() {
            chunk.end = end;
        }
        for at in chunk.at..chunk.end {
            let index = chunk.block.base() + at;
            if index >= self.signals.wishes.halt.load(Ordering::Relaxed) {
                break;
            }
            // SAFETY: the place is of this claim, out of the reach of others, and is passed once, since
            // `at` of the claim is behind it when this is called again.
            let input = unsafe { chunk.block.place(at).take_input() };
            if !more(index, input) {
                break;
            }
        }
    }

    /// Gives the result of the item in hand. One that comes after a cancel is dropped with the
    /// block.
    pub(crate) fn publish(
        &self,
        chunk: &mut Chunk<T, O>,
        worker: Option<usize>,
        result: Result<O, TaskError>,
    ) {
        let index = chunk.index();
        self.look_for_stop(chunk, &result);
        // SAFETY: the input of this place has been taken, and `at` moves on.
        unsafe { chunk.block.place(chunk.at).put_output(worker, result) };
        chunk.at += 1;
        if !chunk.quick {
            // Between the result and the look for who waits for it, as the consumer has one
            // between saying that it waits and its last look for the result.
            fence(Ordering::SeqCst);
        }
        self.look_for_consumer(chunk.from, index);
    }

    /// There is a next item of the claim, out of the reach of others.
    #[inline]
    fn is_at_hand(&self, chunk: &mut Chunk<T, O>) -> bool {
        if chunk.at == chunk.end {
            // One by one where somebody has nothing to do.
            let hungry = self.signals.hungry.load(Ordering::Relaxed);
            let step = if hungry { 1 } else { chunk.step };
            let Some(taken) = self.hands[chunk.worker].take(step) else { return false };
            (chunk.at, chunk.end) = taken;
        }
        true
    }

    /// Ends the run if it is to end with this result.
    fn look_for_stop(&self, chunk: &mut Chunk<T, O>, result: &Result<O, TaskError>) {
        if chunk.stop_when.is_none() && self.signals.wishes.stops.load(Ordering::Relaxed) {
            chunk.stop_when = lock(&self.state).stop_when;
        }
        if chunk.stop_when.is_some_and(|stop| stop(result.as_ref())) {
            self.stop_at(chunk.index());
        }
    }

    /// Wakes the consumer if it waits for this result or for one of the same claim before it: without
    /// a fence it may not have been seen there.
    #[inline(always)]
    fn look_for_consumer(&self, from: usize, index: usize) {
        let watch = self.signals.wishes.watch.load(Ordering::Relaxed);
        if watch != NOBODY && (watch.wrapping_sub(from) <= index - from || watch == ANYTHING) {
            self.wake_consumer();
        }
    }

    /// Wakes the consumer if it waits for a result of a quick claim that is at its end, where no next
    /// result makes good what the last ones missed.
    pub(super) fn look_back(&self, chunk: &Chunk<T, O>) {
        let next = chunk.index();
        if chunk.quick && next > chunk.from {
            // As the one in `publish`.
            fence(Ordering::SeqCst);
            self.look_for_consumer(chunk.from, next - 1);
        }
    }

    /// Puts back what is left of a claim, for others to claim: its worker is not built any more.
    pub(crate) fn give_back(&self, chunk: &mut Chunk<T, O>) {
        self.look_back(chunk);
        let mut state = lock(&self.state);
        let end = self.hands[chunk.worker].drain().map_or(chunk.end, |(_, end)| end);
        if chunk.at < end {
            state.put_back(Arc::clone(&chunk.block), chunk.at, end);
            chunk.at = end;
        }
        chunk.end = end;
        state.finish(chunk.worker);
        self.release(state);
    }
}
