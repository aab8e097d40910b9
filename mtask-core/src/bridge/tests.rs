//! The bridge, one step at a time on one thread: what each step leaves behind, and courses of events
//! that threads take too rarely to be tested with.

mod claim;
mod state;

use super::{Bridge, Chunk, Notifier, Outlet, Plan, Pull, Slept, Stride, Turn};
use crate::TaskError;
use crate::sync::Arc;

type Shared = Arc<Bridge<usize, usize>>;

fn plan(workers: usize, window: usize) -> Plan {
    Plan {
        workers,
        window: Some(window),
        item_bytes: 8,
        owning: false,
        chunk: usize::MAX,
        ordered: true,
        build_now: false,
        fed: false,
        polled: false,
    }
}

fn bridge(plan: Plan) -> (Shared, Outlet<usize, usize>) {
    Bridge::new(plan, Arc::new(Notifier::new()))
}

/// A claim of so many items of a millisecond.
fn stride(most: usize) -> Stride {
    Stride { most, step: most, quick: false, built: true, item_ns: 1_000_000 }
}

/// Claims for a worker that is through with its last claim. Must not come to sleep: there is nobody
/// to wake it.
fn claim(
    bridge: &Shared,
    worker: usize,
    last: Option<Chunk<usize, usize>>,
    stride: Stride,
    source: usize,
) -> Option<Chunk<usize, usize>> {
    bridge.claim(worker, last, stride, &mut Until(source), &mut Slept::default())
}

/// Runs what is left of a claim, and gives the indices.
fn run(bridge: &Shared, chunk: &mut Chunk<usize, usize>) -> Vec<usize> {
    let mut ran = Vec::new();
    while let Some((index, input)) = bridge.next(chunk) {
        bridge.publish(chunk, Some(chunk.worker), Ok(input));
        ran.push(index);
    }
    ran
}

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
    let (bridge, mut outlet) = bridge(Plan { chunk: 100, ..plan(2, 400) });
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
    bridge.publish(&mut first, Some(0), Err(TaskError::no_worker_left(Some(62), None)));
    bridge.give_back(&mut first);
    let mut last =
        bridge.claim(0, Some(first), stride, &mut Until(64), &mut Slept::default()).unwrap();
    assert!(bridge.retire(0), "nobody else is there");
    bridge.next(&mut last).unwrap();
    bridge.publish(&mut last, None, Err(TaskError::no_worker_left(Some(63), None)));
    assert!(bridge.claim(0, Some(last), stride, &mut Until(64), &mut Slept::default()).is_none());
    for index in 0..64 {
        let finished = outlet.take().unwrap();
        assert_eq!((finished.index, finished.result.is_ok()), (Some(index), index < 62));
    }
    assert!(outlet.take().is_none());
}
