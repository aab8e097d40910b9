//! The lanes of a worker: what the second waits for, and what the last one ends.

use super::super::patience::Patience;
use super::super::process::Child;
use super::Host;
use crate::sync::{Arc, Ordering, lock, wait};

impl Host {
    /// Takes note that a lane is through with items, which ended at `end`: also with those that were not sent.
    pub(in crate::backend::processes) fn batch_done(&self, lane: usize, end: usize) {
        if let Some(order) = &self.order {
            order.done(lane, end);
        }
    }

    /// Waits until items are so cheap that a second frame is worth while, the worker is retired, or
    /// another lane is through.
    pub(in crate::backend::processes) fn wait_for_cheap_items(&self) {
        let mut gate = lock(&self.gate);
        while !gate.is_open() {
            gate = wait(&self.changed, gate);
        }
    }

    /// The second lane has nothing to wait for.
    pub(in crate::backend::processes) fn wants_second_frame(&self) -> bool {
        lock(&self.gate).is_open()
    }

    /// Has the child be through when it is so with the item in hand, and no other be started.
    pub(in crate::backend::processes) fn cancel(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.stand_by.cancel();
        // The first lane may be inside the source, and not leave.
        lock(&self.gate).over = true;
        self.changed.notify_all();
        self.tell(Child::tell_cancelled);
    }

    /// Tells the child something, where there is one; one that is being started is told by who waits for it.
    pub(super) fn tell(&self, word: impl FnOnce(&Child)) {
        let Ok(state) = self.state.try_lock() else { return };
        if let Some(child) = &state.child {
            word(child);
        }
    }

    /// A lane is through with its items, of which there are no more. The first one of a worker keeps it for what
    /// other lanes still have, where processes of the run have died.
    pub(in crate::backend::processes) fn stand_by(&self, is_first: bool) {
        // The second lane is not to wait for cheap items any more.
        lock(&self.gate).over = true;
        self.changed.notify_all();
        self.stand_by.leave();
        if is_first && !self.is_retired() {
            self.stand_by.wait();
        }
    }

    /// A lane is through; the last one ends the child, unless that is kept.
    pub(in crate::backend::processes) fn leave(&self) {
        let mut gate = lock(&self.gate);
        gate.over = true;
        gate.lanes -= 1;
        let ends = gate.lanes == 0 && !gate.keeps;
        drop(gate);
        self.changed.notify_all();
        if ends {
            self.over.store(true, Ordering::Relaxed);
            self.end_child();
        }
    }

    /// Waits until no lane is left.
    pub(in crate::backend::processes) fn wait_until_left(&self) {
        let mut gate = lock(&self.gate);
        while gate.lanes > 0 {
            gate = wait(&self.changed, gate);
        }
    }

    /// Ends a child that was kept, and waits for that as long as its `patience` says; where a lane is left, in the
    /// source or with an item in progress, it is the last one that does, as its own run says.
    pub(in crate::backend::processes) fn dismiss(&self, patience: &Arc<Patience>) {
        self.over.store(true, Ordering::Relaxed);
        let mut gate = lock(&self.gate);
        gate.keeps = false;
        let is_alone = gate.lanes == 0;
        drop(gate);
        self.tell(|child| {
            if is_alone {
                child.set_patience(patience);
            }
            child.tell_end();
        });
        if is_alone {
            self.end_child();
        }
    }
}
