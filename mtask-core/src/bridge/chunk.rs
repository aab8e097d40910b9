//! What a worker has claimed, item by item.
//!
//! That each item is begun once and published once is seen to by the types. A
//! [`WorkerSide`](super::claim::WorkerSide), of which there is one for each worker, lends one [`Claim`] at a
//! time. That lends one [`Claimed`] at a time, an item that is not begun. To begin it uses it up, and
//! gives the input and a [`Begun`]; to publish uses that up. Whoever drops either has done nothing:
//! the item is there to be claimed, or begun and to be published, as before; what is begun is found by
//! [`Claim::begun`], and until it is published the claim has no next item.

#![allow(unsafe_code, reason = "inputs and results pass from thread to thread without a lock")]

use std::mem;

use super::block::Block;
use super::{Bridge, StopWhen};
use crate::TaskError;
use crate::sync::{Arc, Ordering, fence, lock};

/// Items that a worker has claimed: those out of the reach of others here, the rest in its hand.
pub(super) struct Chunk<T, O> {
    pub(super) block: Arc<Block<T, O>>,
    pub(super) worker: usize,
    /// The index of the first item.
    pub(super) from: usize,
    /// The place of the first item that is not published.
    pub(super) at: usize,
    /// The inputs from `at` up to this place have been taken; none where it is not behind `at`.
    pub(super) begun: usize,
    /// Where the places end that nobody else can take any more.
    pub(super) end: usize,
    /// How many places it takes from its hand at a time.
    pub(super) step: usize,
    /// Items are so cheap that a fence at each would be dear.
    pub(super) quick: bool,
    pub(super) stop_when: Option<StopWhen<O>>,
}

impl<T, O> Chunk<T, O> {
    /// The index of the first item that is not published.
    fn index(&self) -> usize {
        self.block.base() + self.at
    }

    fn has_begun(&self) -> bool {
        debug_assert!(
            self.from <= self.index()
                && self.at <= self.end
                && self.begun <= self.end
                && self.end <= self.block.filled(),
            "a claim from item {}: next place {}, begun up to {}, and its own up to {}",
            self.from,
            self.at,
            self.begun,
            self.end,
        );
        self.at < self.begun
    }

    /// Gives up what is begun and not published, before the block is let go of: no result of it will
    /// come.
    pub(super) fn give_up_begun(&mut self) {
        while self.has_begun() {
            // SAFETY: the place is of this claim, its input has been taken, and `at` goes on.
            unsafe { self.block.place(self.at).leave_empty() };
            self.at += 1;
        }
    }
}

/// A worker's claim, for as long as it works at it.
pub(crate) struct Claim<'c, T, O> {
    pub(super) bridge: &'c Bridge<T, O>,
    pub(super) chunk: &'c mut Chunk<T, O>,
}

/// An item of a claim that is not begun.
#[must_use = "it is not begun"]
pub(crate) struct Claimed<'c, T, O> {
    bridge: &'c Bridge<T, O>,
    /// Its place is `at`, which is before `end` and not begun.
    chunk: &'c mut Chunk<T, O>,
}

/// An item whose input has been taken, and whose result has to be published.
#[must_use = "its result has to be published"]
pub(crate) struct Begun<'c, T, O> {
    bridge: &'c Bridge<T, O>,
    /// Its place is `at`, which is begun.
    chunk: &'c mut Chunk<T, O>,
}

impl<T, O> Claim<'_, T, O> {
    /// The index of the item that is begun, or else of the next one.
    pub(crate) fn index(&self) -> usize {
        self.chunk.index()
    }

    /// Runs the items of a claim by `call` and publishes each result. Should `call` unwind, its item
    /// is [begun](Claim::begun).
    #[inline]
    pub(crate) fn run(&mut self, mut call: impl FnMut(usize, T) -> O) {
        let worker = Some(self.chunk.worker);
        if !self.chunk.quick || self.chunk.stop_when.is_some() || self.chunk.has_begun() {
            while let Some(claimed) = self.next() {
                let (input, begun) = claimed.begin();
                let output = call(begun.index(), input);
                begun.publish(worker, Ok(output));
            }
            return;
        }
        // The same at the least cost, for items that take nanoseconds.
        let bridge = self.bridge;
        let wishes = &*bridge.consumer.wishes;
        while self.is_at_hand() {
            let first = self.index();
            let Chunk { block, from, at, begun, end, .. } = &mut *self.chunk;
            for (index, place) in (first..).zip(block.places(*at, *end)) {
                if index >= wishes.halt.load(Ordering::Relaxed) {
                    return;
                }
                let unwound = Unwound { at: *at, begun: &mut *begun };
                // SAFETY: as in `begin`: either `at` goes on, or `unwound` notes that it is begun.
                let output = call(index, unsafe { place.take_input() });
                mem::forget(unwound);
                // SAFETY: its input has been taken, and `at` goes on.
                unsafe { place.put_output(worker, Ok(output)) };
                *at += 1;
                if wishes.is_watched(*from, index) {
                    bridge.wake_consumer();
                }
            }
        }
    }

    /// The next item; `None` is the end of the claim, or one is begun.
    pub(crate) fn next(&mut self) -> Option<Claimed<'_, T, O>> {
        let index = self.index();
        if self.chunk.has_begun()
            || !self.is_at_hand()
            || index >= self.bridge.consumer.wishes.halt.load(Ordering::Relaxed)
        {
            return None;
        }
        Some(Claimed { bridge: self.bridge, chunk: self.chunk })
    }

    /// The first item that is begun: whose call has unwound, or that was [taken](Claim::begin_while).
    pub(crate) fn begun(&mut self) -> Option<Begun<'_, T, O>> {
        self.chunk.has_begun().then_some(Begun { bridge: self.bridge, chunk: self.chunk })
    }

    /// Begins items in a row, as long as `more` says so of each, unless there are some that are begun.
    /// Each is to be published, in the same order, by way of [`begun`](Claim::begun).
    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn begin_while(&mut self, mut more: impl FnMut(usize, T) -> bool) {
        let Self { bridge, chunk } = self;
        if chunk.has_begun() {
            return;
        }
        if let Some((_, end)) = bridge.hands[chunk.worker].drain() {
            chunk.end = end;
        }
        for at in chunk.at..chunk.end {
            let index = chunk.block.base() + at;
            if index >= bridge.consumer.wishes.halt.load(Ordering::Relaxed) {
                break;
            }
            // SAFETY: the place is of this claim, out of the reach of others, and not begun; it is by
            // the next line, whatever `more` does.
            let input = unsafe { chunk.block.place(at).take_input() };
            chunk.begun = at + 1;
            if !more(index, input) {
                break;
            }
        }
    }

    /// Puts back what is left, for others to claim: the worker is not built any more. What is begun
    /// stays with it, and is waited for.
    pub(crate) fn give_back(&mut self) {
        let Self { bridge, chunk } = self;
        bridge.look_back(chunk);
        let mut state = lock(&bridge.state);
        let end = bridge.hands[chunk.worker].drain().map_or(chunk.end, |(_, end)| end);
        let left = chunk.at.max(chunk.begun);
        if left < end {
            state.put_back(Arc::clone(&chunk.block), left, end);
        }
        chunk.end = left;
        if !chunk.has_begun() {
            state.finish(chunk.worker);
        }
        bridge.release(state);
    }

    /// There is a next item of the claim, out of the reach of others.
    #[inline]
    fn is_at_hand(&mut self) -> bool {
        let Self { bridge, chunk } = self;
        if chunk.at == chunk.end {
            // One by one where somebody has nothing to do.
            let hungry = bridge.consumer.hungry.load(Ordering::Relaxed);
            let step = if hungry { 1 } else { chunk.step };
            let Some(taken) = bridge.hands[chunk.worker].take(step) else { return false };
            (chunk.at, chunk.end) = taken;
        }
        true
    }
}

/// Should a call unwind, its item is begun.
struct Unwound<'c> {
    at: usize,
    begun: &'c mut usize,
}

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        *self.begun = self.at + 1;
    }
}

impl<'c, T, O> Claimed<'c, T, O> {
    /// Takes the input.
    #[inline]
    pub(crate) fn begin(self) -> (T, Begun<'c, T, O>) {
        let Self { bridge, chunk } = self;
        // SAFETY: the place is of this claim, out of the reach of others, and not begun; it is by the
        // next line.
        let input = unsafe { chunk.block.place(chunk.at).take_input() };
        chunk.begun = chunk.at + 1;
        (input, Begun { bridge, chunk })
    }
}

impl<T, O> Begun<'_, T, O> {
    pub(crate) fn index(&self) -> usize {
        self.chunk.index()
    }

    /// Gives its result. One that comes after a cancel is dropped with the block.
    #[inline]
    pub(crate) fn publish(self, worker: Option<usize>, result: Result<O, TaskError>) {
        let Self { bridge, chunk } = self;
        let index = chunk.index();
        bridge.look_for_stop(chunk, &result);
        // SAFETY: the place is of this claim, its input has been taken, and `at` goes on.
        unsafe { chunk.block.place(chunk.at).put_output(worker, result) };
        chunk.at += 1;
        if !chunk.quick {
            // Between the result and the look for who waits for it, as the consumer has one
            // between saying that it waits and its last look for the result.
            fence(Ordering::SeqCst);
        }
        bridge.look_for_consumer(chunk.from, index);
    }

    /// Puts the input back, which was not used: [`next`](Claim::next) gives it again, here or at another
    /// worker once the claim is [given back](Claim::give_back).
    ///
    /// # Panics
    ///
    /// If others are begun behind it.
    pub(crate) fn put_back(self, input: T) {
        let chunk = self.chunk;
        assert_eq!(chunk.begun, chunk.at + 1, "an item is put back before those behind it");
        // SAFETY: the place is of this claim, and its input has been taken; nothing is begun after the
        // next line.
        unsafe { chunk.block.place(chunk.at).put_input(input) };
        chunk.begun = chunk.at;
    }
}

impl<T, O> Bridge<T, O> {
    /// The result of this item is of use, as far as is known: the run is not to end before it.
    #[cfg(all(feature = "processes", unix, not(loom)))]
    pub(crate) fn is_wanted(&self, index: usize) -> bool {
        index < self.consumer.wishes.halt.load(Ordering::Relaxed)
    }

    /// Ends the run if it is to end with this result.
    fn look_for_stop(&self, chunk: &mut Chunk<T, O>, result: &Result<O, TaskError>) {
        if chunk.stop_when.is_none() && self.consumer.wishes.stops.load(Ordering::Relaxed) {
            chunk.stop_when = lock(&self.state).stop_when;
        }
        if chunk.stop_when.is_some_and(|stop| stop(result.as_ref())) {
            self.stop_at(chunk.index());
        }
    }

    /// Wakes the consumer if it waits for this result or for one of the same claim before it: without
    /// a fence it may not have been seen there.
    #[inline(always)]
    pub(super) fn look_for_consumer(&self, from: usize, index: usize) {
        if self.consumer.wishes.is_watched(from, index) {
            self.wake_consumer();
        }
    }

    /// Wakes the consumer if it waits for a result of a quick claim that is at its end, where no next
    /// result makes good what the last ones missed.
    pub(super) fn look_back(&self, chunk: &Chunk<T, O>) {
        if chunk.quick {
            self.look_back_at(chunk.from, chunk.index());
        }
    }

    /// The same of results from one index up to another one.
    pub(super) fn look_back_at(&self, from: usize, next: usize) {
        if next > from {
            // As the one in `publish`.
            fence(Ordering::SeqCst);
            self.look_for_consumer(from, next - 1);
        }
    }
}
