//! Which places of a block have been taken.

use std::array;

use super::block::ITEMS;
use crate::sync::{AtomicU64, Ordering};

const BITS: usize = u64::BITS as usize;
const WORDS: usize = ITEMS.div_ceil(BITS);

/// A set of places, a bit for each.
///
/// The consumer alone changes and reads it, while the block is in use; and whoever drops the block
/// reads it after the last of all its users. So every access is relaxed, and none is an exchange.
pub(super) struct Taken([AtomicU64; WORDS]);

/// The bits of those places from `from` to `to` that are in a word.
fn bits(word: usize, from: usize, to: usize) -> u64 {
    let below = |place: usize| match place.saturating_sub(word * BITS) {
        count @ 0..BITS => (1 << count) - 1,
        _ => u64::MAX,
    };
    below(to) & !below(from)
}

impl Taken {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Adds the places from `from` to `to`.
    pub(super) fn add(&self, from: usize, to: usize) {
        for word in from / BITS..to.div_ceil(BITS) {
            let before = self.word(word);
            self.0[word].store(before | bits(word, from, to), Ordering::Relaxed);
        }
    }

    /// The first place from `from` to `to` that is in the set.
    pub(super) fn first(&self, from: usize, to: usize) -> Option<usize> {
        (from / BITS..to.div_ceil(BITS)).find_map(|word| {
            let found = self.word(word) & bits(word, from, to);
            (found != 0).then(|| word * BITS + found.trailing_zeros() as usize)
        })
    }

    /// The places before `end` that are not in the set.
    pub(super) fn others(&self, end: usize) -> impl Iterator<Item = usize> {
        (0..end.div_ceil(BITS)).flat_map(move |word| {
            let mut left = !self.word(word) & bits(word, 0, end);
            std::iter::from_fn(move || {
                let next = (left != 0).then(|| word * BITS + left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(next)
            })
        })
    }

    fn word(&self, word: usize) -> u64 {
        self.0[word].load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_added() {
        let ranges = [(0, 1), (3, 3), (5, 64), (64, 65), (100, 300), (511, 512)];
        let taken = Taken::new();
        ranges.iter().for_each(|&(from, to)| taken.add(from, to));
        let is_in = |place: usize| ranges.iter().any(|&(from, to)| (from..to).contains(&place));
        for end in [0, 1, 63, 64, 65, 128, 301, 512] {
            assert!(taken.others(end).eq((0..end).filter(|&place| !is_in(place))), "{end}");
            for from in 0..=end {
                assert_eq!(taken.first(from, end), (from..end).find(|&place| is_in(place)));
            }
        }
    }
}
