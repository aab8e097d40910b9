//! What is under the lock, after each step.

use super::super::block::Block;
use super::super::state::{Span, State};
use super::plan;
use crate::TaskError;
use crate::bridge::Plan;
use crate::sync::Arc;

type Items = State<usize, usize>;

/// With so many items pulled.
fn pulled(plan: Plan, items: usize) -> Items {
    let mut state = State::new(&plan);
    pull(&mut state, items);
    state
}

fn pull(state: &mut Items, items: usize) {
    for _ in 0..items {
        let index = state.pulled();
        let mut filler = state.take_filler(&mut None).unwrap();
        assert!(state.take_filler(&mut None).is_none(), "there is one");
        let mut places = filler.places();
        assert_eq!(places.index(), index, "each item has the next place");
        places.put(index);
        state.put_filler(filler);
    }
}

/// First index and length.
fn shape(span: &Span<usize, usize>) -> (usize, usize) {
    (span.index(), span.end - span.start)
}

fn next(state: &mut Items, most: usize) -> Option<(usize, usize)> {
    state.next_span(most).map(|span| shape(&span))
}

const LEN: usize = Block::<usize, usize>::LEN;

#[test]
fn what_is_pulled_is_claimed_in_order_and_not_across_blocks() {
    let mut state = pulled(plan(1, usize::MAX), LEN + 3);
    assert_eq!((state.pulled(), state.claimable()), (LEN + 3, LEN));
    assert_eq!(next(&mut state, 10), Some((0, 10)));
    assert_eq!(next(&mut state, usize::MAX), Some((10, LEN - 10)));
    assert_eq!(state.claimable(), 3);
    assert_eq!(next(&mut state, 2), Some((LEN, 2)));
    pull(&mut state, 1);
    assert_eq!(next(&mut state, 9), Some((LEN + 2, 2)));
    assert_eq!((next(&mut state, 9), state.claimable()), (None, 0));
    assert_eq!(state.pulled(), LEN + 4);
}

#[test]
fn a_block_that_is_given_is_filled_and_no_other_is_made() {
    let mut state = Items::new(&plan(1, 8));
    let spare = Arc::new(Block::new());
    let address = Arc::as_ptr(&spare);
    let mut spare = Some(spare);
    let filler = state.take_filler(&mut spare).unwrap();
    assert!(spare.is_none());
    assert_eq!(Arc::as_ptr(filler.block()), address);
    state.put_filler(filler);
    // It is not full: the next spare block stays with its owner.
    let mut spare = Some(Arc::new(Block::new()));
    assert_eq!(Arc::as_ptr(state.take_filler(&mut spare).unwrap().block()), address);
    assert!(spare.is_some());
}

#[test]
fn the_consumer_hears_of_blocks_in_order_and_of_claims_out_of_order() {
    let mut state = pulled(plan(1, 8), 3);
    assert_eq!(state.fresh.iter().map(shape).collect::<Vec<_>>(), [(0, LEN)]);
    let span = state.next_span(2).unwrap();
    state.hold(0, &span, false, true);
    assert_eq!(state.fresh.len(), 1);

    let mut state = pulled(Plan { ordered: false, ..plan(1, 8) }, 3);
    assert!(state.fresh.is_empty());
    let span = state.next_span(2).unwrap();
    state.hold(0, &span, false, true);
    assert_eq!(state.fresh.iter().map(shape).collect::<Vec<_>>(), [(0, 2)]);
}

#[test]
fn idle_workers_are_left_a_share() {
    let mut state = pulled(plan(3, 64), 9);
    state.idle = 2;
    assert_eq!(next(&mut state, 64), Some((0, 3)));
    assert_eq!(next(&mut state, 1), Some((3, 1)));
    state.idle = 0;
    assert_eq!(next(&mut state, 64), Some((4, 5)));
}

#[test]
fn what_is_put_back_comes_before_all_else() {
    let mut state = pulled(plan(2, 64), 6);
    let span = state.next_span(4).unwrap();
    state.put_back(Arc::clone(&span.block), 1, 4);
    assert_eq!((state.pulled(), state.claimable()), (6, 3));
    assert_eq!(next(&mut state, 2), Some((1, 2)));
    assert_eq!(next(&mut state, 9), Some((3, 1)));
    assert_eq!(next(&mut state, 9), Some((4, 2)));
}

#[test]
fn an_error_stops_what_is_behind_it_and_not_what_is_before_it() {
    let mut state = pulled(plan(2, 64), 8);
    let span = state.next_span(4).unwrap();
    assert_eq!(state.stop_at(6), 6);
    assert!(state.is_closed() && !state.wants_items() && !state.is_drained());
    assert_eq!(state.claimable(), 2);
    // An error before it counts more, and one behind it nothing.
    assert_eq!((state.stop_at(5), state.stop_at(7)), (5, 5));
    assert_eq!(next(&mut state, 9), Some((4, 1)));
    assert_eq!(next(&mut state, 9), None);
    assert!(state.is_drained());
    // What is put back in front of a span that comes too late is still claimed.
    state.put_back(Arc::clone(&span.block), 6, 8);
    state.put_back(Arc::clone(&span.block), 2, 3);
    state.put_back(span.block, 5, 6);
    assert_eq!(next(&mut state, 9), Some((2, 1)));
    assert_eq!(next(&mut state, 9), None);
}

#[test]
fn out_of_order_an_error_stops_everything() {
    let mut state = pulled(Plan { ordered: false, ..plan(2, 64) }, 8);
    assert_eq!(state.stop_at(6), 0);
    assert_eq!((state.claimable(), next(&mut state, 9)), (0, None));
    assert!(state.is_drained());
}

#[test]
fn a_run_is_over_when_nothing_is_left_and_nobody_is_at_work() {
    let mut state = pulled(plan(2, 64), 2);
    assert!(state.wants_items() && !state.is_closed() && !state.is_over());
    let span = state.next_span(2).unwrap();
    state.hold(0, &span, true, true);
    assert!(state.is_quick() && state.held(0).is_some() && state.held(1).is_none());
    state.source_ended = true;
    assert!(state.is_closed() && state.is_drained() && !state.is_over());
    state.finish(0);
    assert!(state.is_over() && !state.is_quick());
    // A worker without a claim may say so.
    state.finish(0);
    assert!(state.is_over());
}

#[test]
fn a_source_that_blocks_is_waited_for_unless_the_run_is_closed() {
    let mut state = pulled(plan(2, 64), 0);
    state.in_source = true;
    state.source_ended = true;
    assert!(!state.is_drained(), "the thread inside may bring an item");
    state.closed = true;
    assert!(state.is_drained() && state.is_over());

    let mut state = pulled(plan(2, 64), 1);
    state.closed = true;
    assert!(!state.wants_items());
    assert!(!state.is_drained() && !state.is_over(), "what was pulled is run");
}

#[test]
fn a_cancelled_run_is_over_whatever_is_at_work() {
    let mut state = pulled(plan(2, 64), 2);
    let span = state.next_span(1).unwrap();
    state.hold(1, &span, false, true);
    state.cancelled = true;
    assert!(state.is_closed() && state.is_drained() && state.is_over() && !state.wants_items());
}

#[test]
fn nothing_is_pulled_or_claimed_before_all_have_built() {
    let mut state = pulled(Plan { build_now: true, ..plan(2, 64) }, 2);
    assert_eq!((state.unbuilt, state.claimable(), next(&mut state, 9)), (2, 0, None));
    assert!(!state.wants_items());
    state.unbuilt = 0;
    assert!(state.wants_items());
    assert_eq!(next(&mut state, 9), Some((0, 2)));
}

#[test]
fn the_age_of_a_claim_is_in_claims() {
    let mut state = pulled(plan(2, 64), 4);
    for (worker, age) in [(0, 1), (1, 1)] {
        let span = state.next_span(1).unwrap();
        state.hold(worker, &span, false, true);
        assert_eq!(state.age(state.held(worker).unwrap()), age);
    }
    assert_eq!(state.age(state.held(0).unwrap()), 2);
}

#[test]
fn everything_that_may_hold_items_is_taken_out() {
    let mut state = pulled(plan(2, usize::MAX), LEN + 2);
    let span = state.next_span(1).unwrap();
    state.hold(0, &span, false, true);
    state.build_error = Some((0, TaskError::no_worker_left(Some(0), None)));
    let block = Arc::downgrade(&span.block);
    drop(span);
    let all = state.clear();
    assert!(state.held(0).is_none() && state.fresh.is_empty());
    assert_eq!(block.strong_count(), all.iter().filter(|it| it.base() == 0).count());
    drop(all);
    assert_eq!(block.strong_count(), 0);
}

#[test]
fn while_a_worker_is_not_built_its_claim_may_come_back() {
    let mut state = pulled(plan(2, 64), 1);
    state.source_ended = true;
    let span = state.next_span(1).unwrap();
    state.hold(0, &span, false, false);
    assert!(!state.is_drained() && !state.is_over());
    state.finish(0);
    assert!(state.is_drained() && state.is_over());
    state.hold(1, &span, false, true);
    assert!(state.is_drained() && !state.is_over());
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "worker 0 holds a claim already")]
fn a_worker_holds_one_claim() {
    let mut state = pulled(plan(2, 64), 2);
    for _ in 0..2 {
        let span = state.next_span(1).unwrap();
        state.hold(0, &span, false, true);
    }
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "idle workers are asleep, or woken")]
fn who_is_idle_is_asleep_or_woken() {
    let mut state = pulled(plan(2, 64), 2);
    state.idle = 1;
    state.check(1);
    state.woken = 1;
    state.check(0);
    state.check(1);
}
