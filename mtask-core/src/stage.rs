//! Runs that are the source of other runs.
//!
//! A thread that pulls a source says so in a thread-local. A run whose consumer finds itself on
//! such a thread is a stage of that source, and leaves its bell with the outer run, which rings
//! it when it is cancelled. So a chain of stages ends together, through whatever adaptors stand
//! between them.

use std::cell::RefCell;

use crate::bridge::Bell;
use crate::sync::{Arc, Mutex, Weak, lock, thread_local};

thread_local! {
    /// The pull that this thread is in.
    static PULL: RefCell<Option<Pull>> = const { RefCell::new(None) };
}

/// One call of a source's `next`.
#[derive(Clone)]
struct Pull {
    feeders: Arc<Feeders>,
    index: usize,
}

/// The stages that a run's source is made of.
#[derive(Default)]
pub(crate) struct Feeders {
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    bells: Vec<Weak<Bell>>,
    cancelled: bool,
}

impl Feeders {
    /// Runs `next` as the pull of the item at `index`.
    pub(crate) fn within<T>(self: &Arc<Self>, index: usize, next: impl FnOnce() -> T) -> T {
        /// Puts back the pull that this one is nested in, also when `next` panics.
        struct Restore(Option<Pull>);
        impl Drop for Restore {
            fn drop(&mut self) {
                PULL.set(self.0.take());
            }
        }
        let _restore = Restore(PULL.replace(Some(Pull { feeders: Arc::clone(self), index })));
        next()
    }

    pub(crate) fn cancel(&self) {
        let mut list = lock(&self.list);
        list.cancelled = true;
        for bell in list.bells.drain(..) {
            if let Some(bell) = bell.upgrade() {
                bell.cancel();
            }
        }
    }

    fn add(&self, bell: &Arc<Bell>) {
        let mut list = lock(&self.list);
        if list.cancelled {
            return bell.cancel();
        }
        if list.bells.len() == list.bells.capacity() {
            list.bells.retain(|bell| bell.strong_count() > 0);
        }
        list.bells.push(Arc::downgrade(bell));
    }
}

/// A run's tie to the run whose source it is part of.
///
/// A run that was made inside a pull and is used up inside the same one is no stage: it is work
/// that the source does for an item, and cutting it short would make that item wrong.
pub(crate) struct Stage {
    born: Option<(Weak<Feeders>, usize)>,
    outer: Weak<Feeders>,
}

impl Stage {
    /// A run made here and now.
    pub(crate) fn new() -> Self {
        let born = PULL.with_borrow(|pull| {
            pull.as_ref().map(|pull| (Arc::downgrade(&pull.feeders), pull.index))
        });
        Self { born, outer: Weak::new() }
    }

    /// Leaves `bell` with the run that is pulling on this thread, if there is one.
    pub(crate) fn attach(&mut self, bell: &Arc<Bell>) {
        PULL.with_borrow(|pull| {
            let Some(pull) = pull else { return };
            let here = Arc::as_ptr(&pull.feeders);
            if self.outer.as_ptr() == here {
                return;
            }
            if let Some((feeders, index)) = &self.born
                && feeders.as_ptr() == here
                && *index == pull.index
            {
                return;
            }
            self.outer = Arc::downgrade(&pull.feeders);
            pull.feeders.add(bell);
        });
    }
}
