//! Lanes that stay for what others still have.

use crate::sync::{Condvar, Mutex, lock, wait};

/// The lanes of a run that may still have items. A worker that is kept for them may be the only one that is up when
/// another one's process dies.
pub(super) struct StandBy {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// How many lanes may still have items.
    lanes: usize,
    /// A process has died, or a worker could not be built.
    is_disturbed: bool,
    /// The run is over.
    is_cancelled: bool,
}

impl StandBy {
    pub(super) fn new(lanes: usize) -> Self {
        let state = State { lanes, is_disturbed: false, is_cancelled: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A process has died whose worker was built, or a build has failed.
    pub(super) fn disturb(&self) {
        lock(&self.state).is_disturbed = true;
    }

    /// A lane has no more items.
    pub(super) fn leave(&self) {
        lock(&self.state).lanes -= 1;
        self.changed.notify_all();
    }

    /// The run is over.
    pub(super) fn cancel(&self) {
        lock(&self.state).is_cancelled = true;
        self.changed.notify_all();
    }

    /// Waits until no lane has items any more, or the run is over; not at all where all went well till now.
    pub(super) fn wait(&self) {
        let mut state = lock(&self.state);
        while state.is_disturbed && state.lanes > 0 && !state.is_cancelled {
            state = wait(&self.changed, state);
        }
    }
}
