//! Items of a claim that are begun, and what becomes of one that is let go of on its way.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::{Bridge, Claim, Notifier, Outlet, Plan, Pull, Slept, Stride, Turn};
use super::plan;
use crate::TaskError;
use crate::sync::Arc;

/// The index, and a count of how many of its like are there: a text that is owned twice, or by nobody,
/// shows in it.
type Text = (usize, Arc<()>);
type Shared = Arc<Bridge<Text, Text>>;

/// A source of four texts.
struct Texts(Arc<()>);

impl Pull<Text> for Texts {
    fn turn(&mut self, index: usize, mut keep: impl FnMut(Text) -> bool) -> Turn {
        match (index..4).all(|index| keep((index, Arc::clone(&self.0)))) {
            true => Turn::End,
            false => Turn::Enough,
        }
    }
}

/// What there is of a run: so many texts.
fn there(count: &Arc<()>) -> usize {
    Arc::strong_count(count) - 1
}

/// Two workers, so that one of them claims all four.
fn bridge() -> (Shared, Outlet<Text, Text>, Texts) {
    let plan = Plan { owning: true, ..plan(2, 8) };
    let (bridge, outlet) = Bridge::new(plan, Arc::new(Notifier::new()));
    (bridge, outlet, Texts(Arc::new(())))
}

/// A claim of all four, of items that are taken in hand one by one.
fn claimed_by(quick: bool, body: impl FnOnce(Claim<'_, Text, Text>)) -> (usize, Vec<String>) {
    let (bridge, mut outlet, mut texts) = bridge();
    let mut stride = Stride { most: 4, step: 1, quick: true, built: true, item_ns: 10 };
    let mut side = bridge.side(0);
    let claim = side.claim(stride, &mut texts, &mut Slept::default()).unwrap();
    claim.chunk.quick = quick;
    body(claim);
    // What is left, and what came back.
    stride.item_ns = 0;
    while let Some(mut claim) = side.claim(stride, &mut texts, &mut Slept::default()) {
        claim.run(|_, text| text);
    }
    drop(side);
    let mut results = Vec::new();
    outlet.is_over(); // so that it hears of the items
    while let Some(finished) = outlet.take_ready() {
        results.push(finished.result.map_or_else(|_| "error".into(), |text| text.0.to_string()));
    }
    bridge.cancel();
    drop(bridge.clear());
    drop(outlet);
    (there(&texts.0), results)
}

/// A worker's error for an item.
fn failed(index: usize) -> Result<Text, TaskError> {
    Err(TaskError::no_worker_left(Some(index), None))
}

/// Two calls of `next` in a row were once two owners of one input, without `unsafe` in the caller:
///
/// ```text
/// let (_, first) = bridge.next(&mut claim).unwrap();
/// let (_, second) = bridge.next(&mut claim).unwrap();
/// ```
///
/// Now `next` borrows the claim for as long as its item is on its way, so that
///
/// ```text
/// let first = claim.next().unwrap().begin();
/// let second = claim.next().unwrap().begin(); // second mutable borrow occurs here
/// first.1.publish(Some(0), Ok(first.0));
/// ```
///
/// does not compile; and where what was begun is let go of, there is no next item.
#[test]
fn no_input_is_taken_twice() {
    let (left, results) = claimed_by(false, |mut claim| {
        let (first, _) = claim.next().unwrap().begin();
        assert!(claim.next().is_none(), "one is begun");
        assert_eq!(first.0, 0);
        claim.begun().unwrap().publish(Some(0), Ok(first));
        assert!(claim.begun().is_none(), "nor published twice");
        assert_eq!(claim.next().unwrap().begin().0.0, 1);
        claim.begun().unwrap().publish(Some(0), failed(1));
        claim.run(|_, text| text);
    });
    assert_eq!((left, results.join(" ")), (0, "0 error 2 3".into()));
}

#[test]
fn an_item_that_is_let_go_of_before_it_is_begun_is_the_next_one() {
    let (left, results) = claimed_by(false, |mut claim| {
        _ = claim.next().unwrap();
        assert_eq!(claim.index(), 0);
        assert!(claim.begun().is_none());
        claim.run(|_, text| text);
    });
    assert_eq!((left, results.join(" ")), (0, "0 1 2 3".into()));
}

#[test]
fn an_item_whose_call_unwinds_is_begun_and_has_no_next_one_before_its_error() {
    for quick in [false, true] {
        let (left, results) = claimed_by(quick, |mut claim| {
            for fails in [1, 3] {
                let unwound = catch_unwind(AssertUnwindSafe(|| {
                    claim.run(|index, text| {
                        assert_ne!(index, fails, "as the test wishes");
                        text
                    });
                }));
                assert!(unwound.is_err());
                assert!(claim.next().is_none(), "{fails} is begun");
                claim.run(|_, _| unreachable!("nor is any run"));
                let begun = claim.begun().unwrap();
                assert_eq!(begun.index(), fails);
                begun.publish(Some(0), failed(fails));
            }
            assert!(claim.next().is_none(), "the end of the claim");
        });
        assert_eq!((left, results.join(" ")), (0, "0 error 2 error".into()), "quick: {quick}");
    }
}

/// It never comes out, but what is behind it in the claim goes on, and nothing is dropped twice.
#[test]
fn an_item_that_is_begun_and_never_published_is_neither_dropped_nor_yielded() {
    for (lost, is_given_back, yielded) in [(1, true, "0"), (3, false, "0 1 2")] {
        let (left, results) = claimed_by(false, |mut claim| {
            while let Some(claimed) = claim.next() {
                let (text, begun) = claimed.begin();
                if begun.index() < lost {
                    begun.publish(Some(0), Ok(text));
                }
            }
            assert_eq!(claim.index(), lost);
            if is_given_back {
                claim.give_back();
                assert!(claim.next().is_none());
            }
        });
        assert_eq!((left, results.join(" ")), (0, yielded.into()), "{lost} is lost");
    }
}

#[test]
fn an_input_that_is_put_back_is_run_by_who_claims_it_next() {
    for is_given_back in [false, true] {
        let (left, results) = claimed_by(false, |mut claim| {
            let (text, begun) = claim.next().unwrap().begin();
            begun.put_back(text);
            if is_given_back {
                claim.give_back();
                assert!(claim.next().is_none() && claim.begun().is_none());
            } else {
                claim.run(|_, text| text);
            }
        });
        assert_eq!((left, results.join(" ")), (0, "0 1 2 3".into()), "given back: {is_given_back}");
    }
}

#[cfg(all(feature = "processes", unix))]
#[test]
fn of_items_that_are_begun_in_a_row_each_is_published_once_and_in_order() {
    let (left, results) = claimed_by(false, |mut claim| {
        let mut taken = Vec::new();
        claim.begin_while(|index, text| {
            assert_eq!(index, text.0);
            taken.push(text);
            taken.len() < 3
        });
        assert_eq!(taken.len(), 3);
        claim.begin_while(|_, _| unreachable!("while some are begun"));
        assert!(claim.next().is_none());
        for text in taken {
            let begun = claim.begun().unwrap();
            assert_eq!(begun.index(), text.0);
            begun.publish(Some(0), Ok(text));
        }
        assert!(claim.begun().is_none(), "no more than were begun");
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            claim.begin_while(|_, _| panic!("as the test wishes"));
        }));
        assert!(unwound.is_err());
        claim.begun().unwrap().publish(Some(0), failed(3));
    });
    assert_eq!((left, results.join(" ")), (0, "0 1 2 error".into()));
}

#[test]
#[should_panic(expected = "worker 1 is at the bridge already")]
fn there_is_one_side_for_each_worker() {
    let (bridge, _outlet, _) = bridge();
    drop([bridge.side(0), bridge.side(1)]);
    drop(bridge.side(1));
}
