//! In which order the two lanes of a worker that is the only one send what they have claimed.

use crate::sync::{Arc, Condvar, Mutex, lock, wait_timeout};

use super::watch::SLICE;

/// Has two lanes send in the order of their items, so that the worker has them in that order, also where its
/// child has died and another one has what was left over. `C` is a child.
///
/// The lanes of one worker claim all items there are, from 0 on. So a frame may be sent when all before it
/// have been sent, and what the other lane has under way of those is with the same child.
pub(super) struct Order<C> {
    state: Mutex<State<C>>,
    moved: Condvar,
}

struct State<C> {
    /// Items below this have been sent, or need not be.
    next: usize,
    /// What each lane has under way: the first of the items, and the child that has all of them.
    flights: [Option<Flight<C>>; 2],
    /// A lane waits.
    awaited: bool,
}

struct Flight<C> {
    first: usize,
    child: Option<Arc<C>>,
}

impl<C> Flight<C> {
    /// Items from `index` on may go to a child without being there before any of these.
    fn is_before(&self, index: usize, child: &Arc<C>) -> bool {
        self.first > index || self.child.as_ref().is_some_and(|with| Arc::ptr_eq(with, child))
    }
}

impl<C> Order<C> {
    pub(super) fn new() -> Self {
        let state = State { next: 0, flights: [None, None], awaited: false };
        Self { state: Mutex::new(state), moved: Condvar::new() }
    }

    /// Waits until a lane may send its items from `index` on to a child; false where `is_over` says so before
    /// that.
    pub(super) fn wait(
        &self,
        lane: usize,
        index: usize,
        child: &Arc<C>,
        is_over: impl Fn() -> bool,
    ) -> bool {
        let mut state = lock(&self.state);
        loop {
            let other = state.flights[1 - lane].as_ref();
            if state.next >= index && other.is_none_or(|flight| flight.is_before(index, child)) {
                return true;
            }
            if is_over() {
                return false;
            }
            state.awaited = true;
            // Nobody rings for the end of a run.
            state = wait_timeout(&self.moved, state, Some(SLICE));
        }
    }

    /// Notes that a lane has sent its items from `first` to `end`: to a child, unless it has others left to send
    /// to it.
    pub(super) fn sent(&self, lane: usize, first: usize, end: usize, child: Option<&Arc<C>>) {
        self.note(lane, end, Some(Flight { first, child: child.cloned() }));
    }

    /// Notes that a lane is through with all of its items, which end at `end`.
    pub(super) fn done(&self, lane: usize, end: usize) {
        self.note(lane, end, None);
    }

    fn note(&self, lane: usize, end: usize, flight: Option<Flight<C>>) {
        let mut state = lock(&self.state);
        state.next = state.next.max(end);
        let before = std::mem::replace(&mut state.flights[lane], flight);
        let awaited = std::mem::take(&mut state.awaited);
        drop(state);
        // It may be the last hold on a child.
        drop(before);
        if awaited {
            self.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_when_all_before_it_are_with_the_same_child() {
        let order = Order::new();
        let [first, second] = [(); 2].map(|()| Arc::new(()));
        // What may not go now is seen to be over.
        let may = |lane, index, child| order.wait(lane, index, child, || true);
        assert!(may(0, 0, &first) && !may(1, 10, &first));
        order.sent(0, 0, 10, Some(&first));
        assert!(may(1, 10, &first) && !may(1, 20, &first));
        order.sent(1, 10, 20, Some(&first));
        // The first child has died: what the other lane had before comes first.
        assert!(!may(1, 10, &second) && may(0, 0, &second));
        order.sent(0, 0, 1, None);
        assert!(!may(1, 10, &second) && may(0, 1, &second), "the rest comes one by one");
        order.sent(0, 9, 10, Some(&second));
        assert!(may(1, 10, &second));
        order.done(0, 10);
        assert!(may(1, 10, &first));
        order.done(1, 20);
        assert!(may(0, 20, &second) && !may(0, 21, &second));
        // Items that need no child are passed.
        order.done(1, 30);
        assert!(may(0, 30, &second));
    }
}
