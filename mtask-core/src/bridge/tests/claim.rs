//! The workers' side, one claim after the other.

use super::super::signals::NOBODY;
use super::super::{Outlet, Plan, Pull, Slept, Stride, Turn};
use super::{Until, bridge, claim, plan, run, run_one, stride};
use crate::TaskError;
use crate::bridge::Finished;
use crate::sync::Ordering;

/// A claim of many items of some nanoseconds.
const QUICK: Stride = Stride { most: 64, step: 4, quick: true, built: true, item_ns: 10 };

#[test]
fn a_claim_is_as_many_as_it_may_be() {
    // One worker alone pulls one by one, and a worker that has company one for each that is idle.
    for (workers, stride, len) in [(1, stride(8), 1), (2, stride(8), 1), (2, QUICK, 32)] {
        let (bridge, _outlet) = bridge(plan(workers, 64));
        let ran = run(&mut claim(&mut bridge.side(0), stride, 1000).unwrap());
        assert!(ran.iter().copied().eq(0..len), "{workers} workers, {stride:?}: {ran:?}");
    }
}

#[test]
fn neither_chunk_size_nor_share_of_the_window_nor_room_is_exceeded() {
    for (workers, window, size, len) in [(2, 64, 5, 5), (2, 10, 100, 5), (8, 9, 100, 1)] {
        let (bridge, _outlet) = bridge(Plan { chunk: size, ..plan(workers, window) });
        let ran = run(&mut claim(&mut bridge.side(0), QUICK, 1000).unwrap());
        assert_eq!(ran.len(), len, "{workers}, {window}, {size}");
    }
    // The window is full: nothing is claimed, and whoever asks would sleep for room.
    let (bridge, mut outlet) = bridge(plan(2, 4));
    let mut side = bridge.side(0);
    for _ in 0..2 {
        assert_eq!(run(&mut claim(&mut side, QUICK, 1000).unwrap()).len(), 2);
    }
    assert!(!bridge.may_pull(&super::super::lock(&bridge.state)));
    // One that is on its way out of `next()` is still in flight.
    assert_eq!(outlet.take().unwrap().index, Some(0));
    assert!(!bridge.may_pull(&super::super::lock(&bridge.state)));
    assert_eq!(outlet.take().unwrap().index, Some(1));
    assert!(bridge.may_pull(&super::super::lock(&bridge.state)));
}

#[test]
fn the_item_in_progress_is_the_first_of_a_claim_without_a_result() {
    let (bridge, _outlet) = bridge(plan(2, 64));
    assert_eq!(bridge.in_progress(), []);
    let mut side = bridge.side(1);
    let mut claimed = claim(&mut side, QUICK, 1000).unwrap();
    for at in 0..3 {
        assert_eq!(bridge.in_progress(), [(1, at)]);
        let (input, begun) = claimed.next().unwrap().begin();
        assert_eq!(bridge.in_progress(), [(1, at)]);
        begun.publish(Some(1), Ok(input));
    }
    run(&mut claimed);
    assert_eq!(bridge.in_progress(), [], "it is through with all of them");
}

#[test]
fn the_end_of_the_source_is_the_end_of_the_claims() {
    let (bridge, mut outlet) = bridge(plan(2, 64));
    let mut side = bridge.side(0);
    assert_eq!(run(&mut claim(&mut side, QUICK, 3).unwrap()), [0, 1, 2]);
    assert!(claim(&mut side, QUICK, 3).is_none());
    assert!(claim(&mut bridge.side(1), QUICK, 3).is_none());
    let all: Vec<_> = std::iter::from_fn(|| outlet.take()).map(|it| it.index).collect();
    assert_eq!(all, [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_worker_with_nothing_to_claim_takes_the_back_half_of_another_claim() {
    let (bridge, _outlet) = bridge(plan(2, 64));
    let [mut first, mut second] = [0, 1].map(|worker| bridge.side(worker));
    let mut chunk = claim(&mut first, QUICK, 16).unwrap();
    assert_eq!(run_one(&mut chunk), Some(0));
    let stolen = run(&mut claim(&mut second, QUICK, 16).unwrap());
    let own = run(&mut chunk);
    assert_eq!(stolen.last(), Some(&15), "from the back");
    assert!(!stolen.is_empty() && stolen.len() <= 8, "{stolen:?}");
    let mut all: Vec<_> = [0].into_iter().chain(own).chain(stolen).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..16), "each once");
}

#[test]
fn an_old_claim_is_taken_from_before_anything_new_is_pulled() {
    let (bridge, _outlet) = bridge(plan(2, 4096));
    let [mut first, mut second] = [0, 1].map(|worker| bridge.side(worker));
    let mut old = claim(&mut first, QUICK, 10_000).unwrap();
    assert_eq!(old.next().unwrap().begin().1.index(), 0);
    let mut seen = Vec::new();
    for _ in 0..2 * 8 {
        seen.push(run(&mut claim(&mut second, QUICK, 10_000).unwrap())[0]);
    }
    assert!(seen.iter().take(15).all(|&first| first >= 64), "new ones at first: {seen:?}");
    assert!(seen[15] < 64, "then what is left of the old claim: {seen:?}");
}

#[test]
fn what_is_given_back_is_claimed_next() {
    let (bridge, _outlet) = bridge(plan(2, 64));
    let mut side = bridge.side(0);
    let mut chunk = claim(&mut side, QUICK, 100).unwrap();
    assert_eq!(run_one(&mut chunk), Some(0));
    chunk.give_back();
    assert!(chunk.next().is_none());
    let other = run(&mut claim(&mut bridge.side(1), QUICK, 100).unwrap());
    assert!(other.into_iter().eq(1..32));
}

#[test]
fn the_last_worker_that_retires_is_told_to_stay() {
    let (bridge, _outlet) = bridge(plan(3, 64));
    assert_eq!([0, 2, 1].map(|worker| bridge.side(worker).retire()), [false, false, true]);
}

#[test]
fn of_builds_that_fail_at_the_start_the_first_worker_counts() {
    let failed = |worker| Err(TaskError::no_worker_left(Some(worker), None));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let (bridge, mut outlet) = bridge(Plan { build_now: true, ..plan(3, 64) });
        let mut sides = [0, 1, 2].map(|worker| bridge.side(worker));
        for worker in order {
            sides[worker].report_build(if worker == 0 { Ok(()) } else { failed(worker) });
        }
        assert!(claim(&mut sides[0], QUICK, 100).is_none(), "nothing is pulled");
        let Finished { index, worker, result } = outlet.take().unwrap();
        assert_eq!((index, worker, result.is_err()), (None, Some(1), true), "{order:?}");
        assert!(outlet.take().is_none());
    }
}

#[test]
fn no_single_claim_moves_what_an_item_is_taken_to_cost_far() {
    let (bridge, _outlet) = bridge(plan(1, 64));
    let cost = || bridge.signals.item_ns.load(Ordering::Relaxed);
    let (mut side, mut costs) = (bridge.side(0), Vec::new());
    for item_ns in [100, 1_000_000, 1, 0] {
        run(&mut claim(&mut side, Stride { item_ns, ..stride(1) }, 100).unwrap());
        costs.push(cost());
    }
    // The first as it is; then a quarter of it, but of no more than four times or a quarter of what it was.
    assert_eq!(costs, [100, 175, 142, 142]);
}

#[test]
fn after_a_close_what_was_pulled_is_run_and_nothing_is_pulled() {
    let (bridge, mut outlet) = bridge(plan(2, 64));
    let mut side = bridge.side(0);
    let mut chunk = claim(&mut side, QUICK, 1000).unwrap();
    bridge.notifier().close();
    assert_eq!(outlet.pulled(), Some(32), "who asks closes it");
    assert_eq!(run(&mut chunk).len(), 32);
    for index in 0..32 {
        assert_eq!(outlet.take().unwrap().index, Some(index));
        assert_eq!(outlet.pulled(), Some(32));
    }
    assert!(claim(&mut side, QUICK, 1000).is_none());
    assert!(outlet.take().is_none());
}

#[test]
fn after_a_cancel_nothing_is_begun() {
    let (bridge, mut outlet) = bridge(plan(2, 64));
    let mut side = bridge.side(0);
    let mut chunk = claim(&mut side, QUICK, 1000).unwrap();
    let (_, begun) = chunk.next().unwrap().begin();
    bridge.cancel();
    begun.publish(Some(0), Ok(0));
    assert!(chunk.next().is_none());
    assert!(claim(&mut side, QUICK, 1000).is_none());
    assert!(outlet.take().is_none());
    assert_eq!(bridge.consumer.wishes.watch.load(Ordering::Relaxed), NOBODY);
}

/// A source in which the consumer tries to pull as well.
struct Meanwhile(Outlet<usize, usize>);

impl Pull<usize> for Meanwhile {
    fn turn(&mut self, index: usize, mut keep: impl FnMut(usize) -> bool) -> Turn {
        assert_eq!(self.0.feed(usize::MAX, &mut Until(100)), 0, "two in the source");
        keep(index);
        Turn::Enough
    }
}

#[test]
fn the_consumer_does_not_pull_while_a_worker_does() {
    for stride in [stride(1), QUICK] {
        let (bridge, outlet) = bridge(plan(2, 64));
        let mut source = Meanwhile(outlet);
        let mut side = bridge.side(0);
        let mut claim = side.claim(stride, &mut source, &mut Slept::default()).unwrap();
        assert_eq!(run(&mut claim), [0]);
        assert!(source.0.feed(usize::MAX, &mut Until(100)) > 0, "there is nobody now");
    }
}

/// A worker that claims nothing for now is not counted on for what a quick turn brings, whose source may block; and one
/// that could claim does not stand aside while there is something to claim.
#[cfg(all(feature = "processes", unix))]
#[test]
fn who_stands_aside_is_not_counted_on() {
    let (bridge, mut outlet) = bridge(plan(2, 64));
    let (mut first, second) = (bridge.side(0), bridge.side(1));
    assert!(second.stand_aside());
    assert!(bridge.consumer.hungry.load(Ordering::Relaxed), "a quick turn would end");
    assert_eq!(run(&mut claim(&mut first, QUICK, 1000).unwrap()), [0], "one by one");
    second.note_away(false);
    assert_eq!(run(&mut claim(&mut first, QUICK, 1000).unwrap()).len(), 32);
    while outlet.take_ready().is_some() {}
    assert!(outlet.feed(usize::MAX, &mut Until(1000)) > 0);
    assert!(!second.stand_aside(), "there is something to claim");
}
