//! Items come in order, once each, and within the window; and nobody sleeps for what is there.

use super::super::{Plan, Turn};
use super::{Model, ONE, QUICK, Shared, TWO, model, plan, same, with_two};

#[test]
fn ordered_items_all_come_in_order() {
    model(1..=2, || {
        let mut model = Model::start(plan(2, 2), ONE, 3, same);
        model.expect(3, true);
        model.join();
    });
}

#[test]
fn unordered_items_come_once() {
    model(1..=2, || {
        let plan = Plan { ordered: false, ..plan(2, 2) };
        let mut model = Model::start(plan, ONE, 3, same);
        model.expect(3, false);
        model.join();
    });
}

#[test]
fn a_window_of_one_moves_on() {
    model(1..=2, || {
        let mut model = Model::start(plan(2, 1), ONE, 2, same);
        model.expect(2, true);
        model.join();
    });
}

#[test]
fn a_claim_of_two_is_shared_or_stolen() {
    for ordered in [true, false] {
        model(1..=2, move || {
            let (bridge, outlet) = with_two(Plan { ordered, ..plan(2, 4) });
            let last = |_: &Shared| Turn::End;
            let mut model = Model::start_behind(bridge, outlet, TWO, 2, last, same);
            model.expect(2, ordered);
            model.join();
        });
    }
}

#[test]
fn quick_claims_lose_nothing() {
    for ordered in [true, false] {
        model(1..=2, move || {
            let plan = Plan { ordered, ..plan(2, 2) };
            let mut model = Model::start(plan, QUICK, 2, same);
            model.expect(2, ordered);
            model.join();
        });
    }
}

#[test]
fn one_worker_and_its_consumer_wake_each_other() {
    for stride in [ONE, QUICK] {
        model(1..=3, move || {
            let mut model = Model::start(plan(1, 1), stride, 2, same);
            model.expect(2, true);
            model.join();
        });
    }
}
