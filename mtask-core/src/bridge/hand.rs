//! What a worker has claimed and not begun.

use std::ops::Range;

use crate::sync::{AtomicU32, Ordering};

/// A range of places in a block: those of a worker's claim that it has not begun.
///
/// The worker takes from the front and others, under the bridge's lock, from the back. Both halves
/// are in one word, so that a place has one taker. Every access is relaxed: who may use a place
/// is decided by the order of the exchanges alone, and what is in it was made visible by the lock
/// under which its claim was set.
pub(super) struct Hand(AtomicU32);

const BITS: u32 = 16;

const fn pack(start: usize, end: usize) -> u32 {
    (start as u32) << BITS | end as u32
}

const fn unpack(range: u32) -> (usize, usize) {
    ((range >> BITS) as usize, (range & ((1 << BITS) - 1)) as usize)
}

impl Hand {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Fills the hand. Its worker alone does this, under the lock.
    pub(super) fn set(&self, start: usize, end: usize) {
        debug_assert!(start < end && end < 1 << BITS, "a claim of the places {start} to {end}");
        self.0.store(pack(start, end), Ordering::Relaxed);
    }

    /// Takes up to `most` places from the front, for the hand's own worker.
    #[inline]
    pub(super) fn take(&self, most: usize) -> Option<(usize, usize)> {
        self.exchange(|start, end| (end.min(start + most), end)).map(|(from, to)| (from.0, to.0))
    }

    /// Takes the back half for another worker, but no more than `most` places.
    pub(super) fn steal(&self, most: usize) -> Option<(usize, usize)> {
        let (from, to) =
            self.exchange(|start, end| (start, end - (end - start).div_ceil(2).min(most)))?;
        Some((to.1, from.1))
    }

    /// Empties the hand.
    pub(super) fn drain(&self) -> Option<(usize, usize)> {
        self.exchange(|_, _| (0, 0)).map(|(from, _)| from)
    }

    /// The places that are in it, at this moment.
    pub(super) fn range(&self) -> Range<usize> {
        let (start, end) = unpack(self.0.load(Ordering::Relaxed));
        start..end
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.range().len()
    }

    /// Replaces a range that is not empty; gives what was there before and what is there now.
    #[inline]
    fn exchange(
        &self,
        change: impl Fn(usize, usize) -> (usize, usize),
    ) -> Option<((usize, usize), (usize, usize))> {
        let mut range = self.0.load(Ordering::Relaxed);
        loop {
            let (start, end) = unpack(range);
            if start == end {
                return None;
            }
            let (to_start, to_end) = change(start, end);
            let to = pack(to_start, to_end);
            match self.0.compare_exchange_weak(range, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(((start, end), (to_start, to_end))),
                Err(now) => range = now,
            }
        }
    }
}
