//! A consumer that feeds.

use loom::sync::Arc;
use loom::thread;

use super::super::Plan;
use super::{Model, ONE, QUICK, Rest, model, plan, same};
use crate::bridge::Stride;

#[test]
fn a_consumer_that_feeds_gets_everything() {
    model(1..=2, || {
        let plan = Plan { fed: true, ..plan(2, 2) };
        let Model { mut outlet, workers, .. } = Model::start(plan, ONE, 0, same);
        let mut rest = Rest((0..2).collect());
        assert_eq!(outlet.take_and_feed(&mut rest).unwrap().result.unwrap(), 0);
        assert_eq!(outlet.take_and_feed(&mut rest).unwrap().result.unwrap(), 1);
        assert!(outlet.take_and_feed(&mut rest).is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// Of cheap items it feeds many in one turn, while workers claim them and go to sleep for want of more.
#[test]
fn a_consumer_that_feeds_many_wakes_who_sleeps() {
    model(1..=2, || {
        let plan = Plan { fed: true, ..plan(1, 2) };
        let cheap = Stride { item_ns: 100, ..QUICK };
        let Model { mut outlet, workers, .. } = Model::start(plan, cheap, 0, same);
        let mut rest = Rest((0..3).collect());
        for index in 0..3 {
            let finished = match outlet.take_known() {
                Some(finished) => finished,
                None => outlet.take_and_feed(&mut rest).unwrap(),
            };
            assert_eq!(finished.result.unwrap(), index);
        }
        assert!(outlet.take_and_feed(&mut rest).is_none());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

/// All that a fed bridge has pulled is yielded, and the run ends, wherever a close from outside meets the
/// consumer: an item that is pulled after the close has no worker left to claim it.
#[test]
fn a_consumer_that_feeds_is_closed_or_cancelled_from_outside() {
    for cancels in [false, true] {
        model(2..=2, move || {
            let plan = Plan { fed: true, ..plan(1, 2) };
            let mut model = Model::start(plan, ONE, 0, same);
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || match cancels {
                true => notifier.cancel(),
                false => notifier.close(),
            });
            let mut rest = Rest((0..3).collect());
            let mut given = 0;
            while let Some(finished) = model.outlet.take_and_feed(&mut rest) {
                assert_eq!(finished.result.unwrap(), given);
                given += 1;
            }
            assert!(cancels || given + rest.0.len() == 3, "what was pulled is yielded");
            // As the engine does at the end of a run.
            model.bridge.cancel();
            outside.join().unwrap();
            model.join();
        });
    }
}

/// The same where a worker closes the run that it works for.
#[test]
fn a_consumer_that_feeds_is_closed_by_a_worker() {
    model(2..=2, || {
        let plan = Plan { fed: true, ..plan(1, 2) };
        let mut model = Model::start(plan, ONE, 0, |bridge, index, input| {
            if index == 0 {
                bridge.notifier().close();
            }
            Ok(input)
        });
        let mut rest = Rest((0..3).collect());
        let mut given = 0;
        while let Some(finished) = model.outlet.take_and_feed(&mut rest) {
            assert_eq!(finished.result.unwrap(), given);
            given += 1;
        }
        assert_eq!(given + rest.0.len(), 3, "what was pulled is yielded");
        model.join();
    });
}
