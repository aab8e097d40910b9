//! Where items come from.

use std::iter::from_fn;
use std::ops::Range;
use std::thread::sleep;
use std::time::Duration;

/// An input iterator that any peer may take to another thread.
pub(crate) trait Source: Iterator<Item: Send + Sync + 'static> + Send + 'static {
    /// The numbers that the items are made of, for a peer that takes nothing but a range.
    fn range(&self) -> Option<Range<u64>> {
        None
    }

    /// The item made of a number, where there is a range of them.
    fn at(_number: u64) -> Option<Self::Item> {
        None
    }
}

impl Source for Range<u64> {
    fn range(&self) -> Option<Range<u64>> {
        Some(self.clone())
    }

    #[inline]
    fn at(number: u64) -> Option<u64> {
        Some(number)
    }
}

/// Any other iterator: only to be pulled.
pub(crate) struct Pulled<I>(pub(crate) I);

impl<I: Iterator> Iterator for Pulled<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I> Source for Pulled<I> where I: Iterator<Item: Send + Sync + 'static> + Send + 'static {}

/// Numbers without an end. Nothing tells that there is none: the source knows no length.
pub(crate) fn endless() -> Pulled<impl Iterator<Item = u64> + Send + 'static> {
    let mut numbers = 0..;
    Pulled(from_fn(move || numbers.next()))
}

/// Numbers that come at once up to a point, where the source blocks for a while, and then one more.
pub(crate) fn blocking_after(
    at_once: u64,
    block: Duration,
) -> Pulled<impl Iterator<Item = u64> + Send + 'static> {
    Pulled((0..=at_once).inspect(move |&number| {
        if number == at_once {
            sleep(block);
        }
    }))
}
