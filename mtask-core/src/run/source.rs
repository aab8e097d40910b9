//! The input iterator, where it is pulled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bridge::{Pull, Turn};
use crate::error::drop_caught;
use crate::run::nested::Feeders;
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

    /// Calls the source's `next`, and catches a panic of it. The iterator is dropped at its end.
    fn ask(&self, mut index: usize, mut keep: impl FnMut(I::Item) -> bool) -> Turn {
        let feeders = &*self.feeders;
        let mut guard = lock(&self.iter);
        let place = &mut *guard;
        // By value, so that what `keep` counts may stay in registers.
        let asked = catch_unwind(AssertUnwindSafe(move || {
            let Some(source) = place.take() else { return Turn::End };
            let mut lent = Lent { source: Some(source), place };
            loop {
                feeders.note(index);
                let Some(item) = lent.source.as_mut().and_then(I::next) else { break };
                index += 1;
                if !keep(item) {
                    return Turn::Enough;
                }
            }
            drop(lent.source.take());
            Turn::End
        }));
        asked.unwrap_or_else(|payload| {
            drop_caught(guard.take());
            Turn::Panicked(payload)
        })
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

/// A source taken out of its place for a turn, so that a small one is kept in registers. It is back
/// there after the turn, whatever the turn ends by.
struct Lent<'a, I> {
    source: Option<I>,
    place: &'a mut Option<I>,
}

impl<I> Drop for Lent<'_, I> {
    fn drop(&mut self) {
        *self.place = self.source.take();
    }
}

/// A source that workers ask, each on its own thread, or the consumer before there are any. One type for both, so
/// that all that pulls is compiled once a source.
pub(crate) struct Puller<I> {
    source: Arc<Source<I>>,
    /// On the consumer's own thread: nobody could cancel from there.
    here: bool,
}

impl<I> Puller<I> {
    pub(crate) fn of_worker(source: &Arc<Source<I>>) -> Self {
        Self { source: Arc::clone(source), here: false }
    }

    pub(crate) fn of_consumer(source: &Arc<Source<I>>) -> Self {
        Self { source: Arc::clone(source), here: true }
    }
}

impl<I: Iterator> Pull<I::Item> for Puller<I> {
    fn turn(&mut self, index: usize, keep: impl FnMut(I::Item) -> bool) -> Turn {
        // A cancel may have to reach what a worker's thread waits for.
        let _within = (!self.here).then(|| self.source.feeders.enter());
        self.source.ask(index, keep)
    }
}

/// A source that only the consumer asks, on its own thread.
pub(crate) struct Here<'a, I>(pub(crate) &'a Source<I>);

impl<I: Iterator> Pull<I::Item> for Here<'_, I> {
    fn turn(&mut self, index: usize, keep: impl FnMut(I::Item) -> bool) -> Turn {
        self.0.ask(index, keep)
    }
}

/// For a worker of a run whose consumer pulls: the bridge never sends it to the source.
pub(crate) struct Nothing;

impl<T> Pull<T> for Nothing {
    fn turn(&mut self, _index: usize, _keep: impl FnMut(T) -> bool) -> Turn {
        Turn::End
    }
}
