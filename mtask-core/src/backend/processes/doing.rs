//! What a worker in a process does: of each of its lanes only a part is known.

use std::time::Instant;

use crate::WorkerState;
use crate::observe::stats::Counters;
use crate::sync::{Arc, Mutex, lock};

/// What a worker does, from what its lanes are at. A lane that waits for items while the other has some in
/// hand says nothing of the worker, which would pass for one that waits while it is stuck.
pub(super) struct Doing {
    counters: Arc<Counters>,
    worker: usize,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    /// Since when the worker is being built, where it is.
    building: Option<Instant>,
    /// Since when each lane has items in hand, where it has.
    claims: [Option<Instant>; 2],
}

impl Doing {
    pub(super) fn new(counters: Arc<Counters>, worker: usize) -> Self {
        Self { counters, worker, lanes: Mutex::default() }
    }

    /// Notes what a lane begins with.
    pub(super) fn enter(&self, lane: usize, state: WorkerState, now: Instant) {
        let mut lanes = lock(&self.lanes);
        lanes.claims[lane] = (state == WorkerState::Working).then_some(now);
        self.tell(&lanes, state, now);
    }

    /// Notes that a build begins.
    pub(super) fn build(&self, now: Instant) {
        let mut lanes = lock(&self.lanes);
        lanes.building = Some(now);
        self.tell(&lanes, WorkerState::Building, now);
    }

    /// Notes that a build has ended, after which the items in hand begin.
    pub(super) fn built(&self, now: Instant) {
        let mut lanes = lock(&self.lanes);
        lanes.building = None;
        for claim in lanes.claims.iter_mut().flatten() {
            *claim = now;
        }
        self.tell(&lanes, WorkerState::Waiting, now);
    }

    /// Counts what all of it comes to: `otherwise` where neither a build nor an item is under way.
    fn tell(&self, lanes: &Lanes, otherwise: WorkerState, now: Instant) {
        let claim = lanes.claims.iter().flatten().min();
        let (state, since) = match (lanes.building, claim) {
            (Some(since), _) => (WorkerState::Building, since),
            (None, Some(&since)) => (WorkerState::Working, since),
            (None, None) => (otherwise, now),
        };
        self.counters.enter(self.worker, state, since);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_item_in_hand_outweighs_a_lane_that_waits() {
        let counters = Arc::new(Counters::new(1));
        let doing = Doing::new(Arc::clone(&counters), 0);
        let now = Instant::now();
        let ago = |seconds| now - Duration::from_secs(seconds);
        let state = || counters.snapshot().workers[0].state;

        doing.enter(0, WorkerState::Working, ago(9));
        doing.build(ago(9));
        doing.enter(1, WorkerState::Waiting, ago(8));
        assert_eq!(state(), WorkerState::Building);
        doing.built(now);
        assert_eq!(state(), WorkerState::Working);
        assert!(counters.snapshot().workers[0].since < Duration::from_secs(5));
        // The other has items behind it, then none.
        for behind in [WorkerState::Working, WorkerState::Waiting, WorkerState::Idle] {
            doing.enter(1, behind, now);
            assert_eq!(state(), WorkerState::Working);
        }
        doing.enter(0, WorkerState::Waiting, now);
        assert_eq!(state(), WorkerState::Waiting);
        doing.enter(0, WorkerState::Idle, now);
        assert_eq!(state(), WorkerState::Idle);
    }
}
