//! The bridge, one step at a time on one thread: what each step leaves behind, and courses of events
//! that threads take too rarely to be tested with.

mod chunk;
mod claim;
mod state;

use super::{Bridge, Claim, Notifier, Outlet, Plan, Pull, Slept, Stride, Turn, WorkerSide};
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
fn claim<'c>(
    side: &'c mut WorkerSide<'_, usize, usize>,
    stride: Stride,
    source: usize,
) -> Option<Claim<'c, usize, usize>> {
    side.claim(stride, &mut Until(source), &mut Slept::default())
}

/// Runs the next item of a claim, and gives its index.
fn run_one(claim: &mut Claim<'_, usize, usize>) -> Option<usize> {
    let (input, begun) = claim.next()?.begin();
    let index = begun.index();
    assert_eq!(index, input);
    begun.publish(Some(0), Ok(input));
    Some(index)
}

/// Runs what is left of a claim, and gives the indices.
fn run(claim: &mut Claim<'_, usize, usize>) -> Vec<usize> {
    std::iter::from_fn(|| run_one(claim)).collect()
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
    let [mut first, mut second] = [0, 1].map(|worker| bridge.side(worker));
    let mut chunk = claim(&mut first, stride, 64).unwrap();
    // All but the last two are run; those are in hand, out of the reach of others.
    for index in 0..62 {
        assert_eq!(run_one(&mut chunk), Some(index));
    }
    let (_, begun) = chunk.next().unwrap().begin();
    assert!(claim(&mut second, stride, 64).is_none());
    // The worker panics and cannot be built any more.
    begun.publish(Some(0), Err(TaskError::no_worker_left(Some(62), None)));
    chunk.give_back();
    assert!(first.retire(), "nobody else is there");
    let mut chunk = claim(&mut first, stride, 64).unwrap();
    let (_, begun) = chunk.next().unwrap().begin();
    begun.publish(None, Err(TaskError::no_worker_left(Some(63), None)));
    assert!(claim(&mut first, stride, 64).is_none());
    for index in 0..64 {
        let finished = outlet.take().unwrap();
        assert_eq!((finished.index, finished.result.is_ok()), (Some(index), index < 62));
    }
    assert!(outlet.take().is_none());
}

#[test]
fn what_is_locked_is_shown_as_such_and_not_waited_for() {
    let (bridge, _outlet) = bridge(plan(2, 4));
    let state = super::lock(&bridge.state);
    assert!(format!("{bridge:?}").contains("state: <locked>"));
    drop(state);
    let mut side = bridge.side(1);
    let _claim = claim(&mut side, stride(1), 3).unwrap();
    let shown = format!("{bridge:?}");
    let worker = "workers: [None, Some(Working { claim: 0..1, hand: Some(0..1), begun: [],";
    assert!(shown.contains("pulled: 1,") && shown.contains(worker), "{shown}");
}
