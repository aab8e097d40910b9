//! Workers that are built, lost, or leave.

use loom::sync::Arc;

use super::super::{Bridge, Notifier, Plan, Slept, Stride};
use super::{Model, ONE, Shared, TWO, model, plan, same, two_workers, with_two};
use crate::TaskError;

#[test]
fn a_panic_of_a_worker_gives_back_what_it_had() {
    model(1..=2, || {
        let (bridge, mut outlet) = with_two(plan(2, 4));
        let workers = two_workers(&bridge, 2, |worker, mut side, source| {
            while let Some(mut claim) = side.claim(TWO, source, &mut Slept::default()) {
                if let Some(claimed) = claim.next() {
                    let (input, begun) = claimed.begin();
                    begun.publish(Some(worker), Ok(input));
                }
                claim.give_back();
            }
        });
        assert_eq!(outlet.take().unwrap().result.unwrap(), 0);
        assert_eq!(outlet.take().unwrap().result.unwrap(), 1);
        assert!(outlet.take().is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// The rest of its claim is run by others meanwhile, and the run is not over before its item is published.
#[test]
fn an_item_whose_call_unwinds_is_published_by_its_worker() {
    model(1..=2, || {
        let (bridge, mut outlet) = with_two(plan(2, 4));
        let workers = two_workers(&bridge, 2, |worker, mut side, source| {
            while let Some(mut claim) = side.claim(TWO, source, &mut Slept::default()) {
                let input = claim.next().map(|claimed| claimed.begin().0);
                claim.give_back();
                assert!(claim.next().is_none());
                if let Some(input) = input {
                    claim.begun().unwrap().publish(Some(worker), Ok(input));
                }
            }
        });
        assert_eq!(outlet.take().unwrap().result.unwrap(), 0);
        assert_eq!(outlet.take().unwrap().result.unwrap(), 1);
        assert!(outlet.take().is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn a_worker_that_retires_leaves_the_rest_to_the_last() {
    model(1..=2, || {
        let (bridge, mut outlet): (Shared, _) = Bridge::new(plan(2, 2), Arc::new(Notifier::new()));
        let workers = two_workers(&bridge, 2, |worker, mut side, source| {
            let mut is_retired = false;
            while let Some(mut claim) = side.claim(ONE, source, &mut Slept::default()) {
                while let Some(claimed) = claim.next() {
                    let (input, begun) = claimed.begin();
                    begun.publish(Some(worker), Ok(input));
                }
                if !is_retired && !side.retire() {
                    break;
                }
                is_retired = true;
            }
        });
        assert_eq!(outlet.take().unwrap().result.unwrap(), 0);
        assert_eq!(outlet.take().unwrap().result.unwrap(), 1);
        assert!(outlet.take().is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// One worker cannot be built, and gives its item back: the other one is still there to take it.
#[test]
fn an_item_that_is_given_back_finds_another_worker() {
    model(1..=2, || {
        let (bridge, mut outlet): (Shared, _) = Bridge::new(plan(2, 2), Arc::new(Notifier::new()));
        let workers = two_workers(&bridge, 1, |worker, mut side, source| {
            let is_built = worker == 1;
            let stride = Stride { built: is_built, ..ONE };
            while let Some(mut claim) = side.claim(stride, source, &mut Slept::default()) {
                while let Some(claimed) = claim.next() {
                    let (input, begun) = claimed.begin();
                    if is_built {
                        begun.publish(Some(worker), Ok(input));
                        continue;
                    }
                    begun.put_back(input);
                    claim.give_back();
                    if side.retire() {
                        // The other one has taken it meanwhile, and left.
                        let last = side.claim(stride, source, &mut Slept::default());
                        assert!(last.is_none(), "the other one has left too early");
                    }
                    return;
                }
            }
        });
        assert_eq!(outlet.take().unwrap().result.unwrap(), 0);
        assert!(outlet.take().is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// No worker can be built: the last one closes the bridge, and the items that are there fail.
#[test]
fn the_last_worker_closes_and_fails_what_was_pulled() {
    model(1..=2, || {
        let (bridge, mut outlet): (Shared, _) = Bridge::new(plan(2, 2), Arc::new(Notifier::new()));
        let workers = two_workers(&bridge, 9, |_, mut side, source| {
            let stride = Stride { built: false, ..ONE };
            let mut is_last = false;
            while let Some(mut claim) = side.claim(stride, source, &mut Slept::default()) {
                while let Some(claimed) = claim.next() {
                    let (input, begun) = claimed.begin();
                    if !is_last {
                        begun.put_back(input);
                        break;
                    }
                    let error = TaskError::no_worker_left(Some(begun.index()), None);
                    begun.publish(None, Err(error));
                }
                claim.give_back();
                if !is_last {
                    is_last = side.retire();
                    if !is_last {
                        return;
                    }
                    side.bridge.give_up();
                }
            }
        });
        let mut given = 0;
        while let Some(finished) = outlet.take() {
            assert_eq!((finished.index, finished.result.is_err()), (Some(given), true));
            given += 1;
        }
        assert_eq!(outlet.pulled(), Some(given), "each item that was pulled has failed");
        assert!((1..9).contains(&given), "{given} were pulled of 9");
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn builds_at_the_start_come_before_any_pull() {
    model(1..=2, || {
        let plan = Plan { build_now: true, ..plan(2, 2) };
        let mut model = Model::start(plan, ONE, 1, same);
        model.expect(1, true);
        model.join();
    });
}
