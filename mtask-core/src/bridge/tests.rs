//! Courses of events that threads take too rarely to be tested with, one step at a time.

use super::{Bell, Bridge, Plan, Pull, Slept, Stride, Turn};
use crate::TaskError;
use crate::sync::Arc;

/// A source of the indices before this one.
struct Until(usize);

impl Pull<usize> for Until {
    fn turn(&mut self, index: usize, mut keep: impl FnMut(usize) -> bool) -> Turn {
        match (index..self.0).all(&mut keep) {
            true => Turn::End,
            false => Turn::Enough,
        }
    }
}

#[test]
fn who_is_left_behind_at_the_end_fails_what_is_left() {
    let plan = Plan {
        workers: 2,
        window: Some(400),
        item_bytes: 8,
        owning: false,
        batch: 100,
        ordered: true,
        build_now: false,
        fed: false,
        polled: false,
    };
    let (bridge, mut outlet) = Bridge::<usize, usize>::new(plan, Arc::new(Bell::new()));
    let stride = Stride { most: 64, step: 2, quick: true, built: true, item_ns: 10 };
    let mut first = bridge.claim(0, None, stride, &mut Until(64), &mut Slept::default()).unwrap();
    // All but the last two are run; those are in hand, out of the reach of others.
    for _ in 0..62 {
        let (index, input) = bridge.next(&mut first).unwrap();
        assert_eq!(index, input);
        bridge.publish(&mut first, Some(0), Ok(input));
    }
    assert!(bridge.next(&mut first).is_some());
    assert!(bridge.claim(1, None, stride, &mut Until(64), &mut Slept::default()).is_none());
    // The worker panics and cannot be built any more.
    bridge.publish(&mut first, Some(0), Err(TaskError::no_worker_left(62, None)));
    bridge.give_back(&mut first);
    let mut last =
        bridge.claim(0, Some(first), stride, &mut Until(64), &mut Slept::default()).unwrap();
    assert!(bridge.retire(0), "nobody else is there");
    bridge.next(&mut last).unwrap();
    bridge.publish(&mut last, None, Err(TaskError::no_worker_left(63, None)));
    assert!(bridge.claim(0, Some(last), stride, &mut Until(64), &mut Slept::default()).is_none());
    for index in 0..64 {
        let finished = outlet.take().unwrap();
        assert_eq!((finished.index, finished.result.is_ok()), (Some(index), index < 62));
    }
    assert!(outlet.take().is_none());
}
