//! The input iterator, where it is pulled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bridge::Pulled;
use crate::error::drop_caught;
use crate::stage::Feeders;
use crate::sync::{Arc, Mutex, lock};

/// The source of a run.
///
/// The bridge lets one thread at a time in, so that the lock is never contended while the run
/// goes on; it tells a consumer that leaves early whether a thread is still inside.
pub(crate) struct Source<I> {
    /// `None` after the end.
    iter: Mutex<Option<I>>,
    /// The runs that this source is made of, to be cancelled with this one.
    feeders: Arc<Feeders>,
}

impl<I: Iterator> Source<I> {
    pub(crate) fn new(iter: I) -> Self {
        Self { iter: Mutex::new(Some(iter)), feeders: Arc::default() }
    }

    /// Calls the source's `next`, for the item at `index`, and catches a panic of it. The
    /// iterator is dropped at its end.
    pub(crate) fn pull(&self, index: usize) -> Pulled<I::Item> {
        self.ask(|iter| self.feeders.within(index, || iter.next()))
    }

    /// As [`pull`](Source::pull), on the consumer's own thread: nobody could cancel from there.
    pub(crate) fn pull_here(&self) -> Pulled<I::Item> {
        self.ask(Iterator::next)
    }

    fn ask(&self, next: impl FnOnce(&mut I) -> Option<I::Item>) -> Pulled<I::Item> {
        let mut iter = lock(&self.iter);
        let pulled = catch_unwind(AssertUnwindSafe(|| {
            let item = next(iter.as_mut()?);
            if item.is_none() {
                *iter = None;
            }
            item
        }));
        match pulled {
            Ok(Some(item)) => Pulled::Item(item),
            Ok(None) => Pulled::End,
            Err(payload) => {
                drop_caught(iter.take());
                Pulled::Panicked(payload)
            }
        }
    }

    /// Cancels the runs that this source is made of.
    pub(crate) fn cancel(&self) {
        self.feeders.cancel();
    }
}

impl<I> Source<I> {
    /// Takes the iterator out for the caller to drop, unless a thread is inside.
    pub(crate) fn close(&self) -> Option<I> {
        self.iter.try_lock().ok()?.take()
    }
}
