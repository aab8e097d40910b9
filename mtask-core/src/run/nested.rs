//! Runs that are the source of other runs.
//!
//! A thread that pulls a source says so in a thread-local. A run whose consumer finds itself on
//! such a thread is a stage of that source, and leaves its control with the outer run, which rings
//! it when it is cancelled. So a chain of stages ends together, through whatever adaptors stand
//! between them.

use std::cell::RefCell;

use crate::run::control::Control;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, Weak, lock, thread_local};

thread_local! {
    /// Those of the source that this thread pulls.
    static PULL: RefCell<Option<Arc<Feeders>>> = const { RefCell::new(None) };
}

/// The stages that a run's source is made of.
#[derive(Default)]
pub(crate) struct Feeders {
    list: Mutex<List>,
    /// The index of the item that is pulled. Written and read by the thread in the source alone.
    index: AtomicUsize,
}

#[derive(Default)]
struct List {
    controls: Vec<Weak<Control>>,
    cancelled: bool,
}

impl Feeders {
    /// This thread pulls the source, until what is given is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Within {
        Within(PULL.replace(Some(Arc::clone(self))))
    }

    /// Notes that the item at `index` is pulled next.
    #[inline]
    pub(crate) fn note(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    fn index(&self) -> usize {
        self.index.load(Ordering::Relaxed)
    }

    pub(crate) fn cancel(&self) {
        let mut list = lock(&self.list);
        list.cancelled = true;
        let controls = std::mem::take(&mut list.controls);
        // A control may wake a task, which is the executor's code.
        drop(list);
        controls.iter().filter_map(Weak::upgrade).for_each(|control| control.cancel());
    }

    fn add(&self, control: &Arc<Control>) {
        let mut list = lock(&self.list);
        if list.cancelled {
            drop(list);
            return control.cancel();
        }
        if list.controls.len() == list.controls.capacity() {
            list.controls.retain(|control| control.strong_count() > 0);
        }
        list.controls.push(Arc::downgrade(control));
    }
}

/// A thread inside a source. Dropped, it puts back the pull that this one is nested in.
pub(crate) struct Within(Option<Arc<Feeders>>);

impl Drop for Within {
    fn drop(&mut self) {
        PULL.set(self.0.take());
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
            pull.as_ref().map(|feeders| (Arc::downgrade(feeders), feeders.index()))
        });
        Self { born, outer: Weak::new() }
    }

    /// Leaves `control` with the run that is pulling on this thread, if there is one.
    pub(crate) fn attach(&mut self, control: &Arc<Control>) {
        PULL.with_borrow(|pull| {
            let Some(outer) = pull else { return };
            let here = Arc::as_ptr(outer);
            let was_born_here = self.born.as_ref().is_some_and(|(feeders, index)| {
                feeders.as_ptr() == here && *index == outer.index()
            });
            if was_born_here || self.outer.as_ptr() == here {
                return;
            }
            self.outer = Arc::downgrade(outer);
            outer.add(control);
        });
    }
}
