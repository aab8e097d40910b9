//! The ends of a run: a close, a cancel, an error, a source that panics.

use loom::sync::Arc;
use loom::thread;

use super::super::Turn;
use super::{Model, ONE, QUICK, Shared, blocked, busy, model, plan, same};
use crate::TaskError;

#[test]
fn a_close_at_any_point_gives_what_was_pulled_and_ends() {
    for (workers, stride, preemptions) in [(1, ONE, 3), (1, QUICK, 3), (2, ONE, 2)] {
        model(1..=preemptions, move || {
            let mut model = Model::start(plan(workers, 2), stride, 2, same);
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || notifier.close());
            let mut next = 0;
            while let Some(result) = model.next() {
                assert_eq!(result.unwrap(), next);
                next += 1;
            }
            // As the engine does at the end of a run, for a worker that was inside the source.
            model.bridge.cancel();
            outside.join().unwrap();
            model.join();
        });
    }
}

#[test]
fn a_close_wakes_the_consumer_of_a_source_that_blocks() {
    for stride in [ONE, QUICK] {
        model(1..=3, move || {
            let mut model = Model::start_with(plan(1, 2), stride, 1, blocked, same);
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || notifier.close());
            while model.next().is_some() {}
            model.bridge.cancel();
            outside.join().unwrap();
            model.join();
        });
    }
}

/// The only worker runs what it pulls: what it has begun before the consumer asks is yielded, also after a close.
#[test]
fn a_close_lets_the_only_worker_finish_its_item() {
    model(1..=3, || {
        let mut model = Model::start(plan(1, 2), QUICK, 2, |bridge, index, input| {
            if index == 0 {
                bridge.notifier().close();
            }
            Ok(input)
        });
        assert_eq!(model.next().unwrap().unwrap(), 0);
        while model.next().is_some() {}
        model.bridge.cancel();
        model.join();
    });
}

#[test]
fn a_cancel_at_any_point_ends_the_workers() {
    for stride in [ONE, QUICK] {
        model(1..=2, move || {
            let mut model = Model::start(plan(2, 2), stride, usize::MAX, same);
            model.next().unwrap().unwrap();
            model.bridge.cancel();
            let Model { mut outlet, workers, .. } = model;
            // Before the consumer looks again, which would wake them too.
            for worker in workers {
                worker.join().unwrap();
            }
            assert!(outlet.take().is_none());
        });
    }
}

#[test]
fn a_cancel_from_outside_wakes_the_consumer() {
    model(1..=3, || {
        let mut model = Model::start(plan(1, 1), ONE, 1, busy);
        let notifier = Arc::clone(model.bridge.notifier());
        let outer = thread::spawn(move || notifier.cancel());
        while model.next().is_some() {}
        model.bridge.cancel();
        outer.join().unwrap();
        model.join();
    });
}

#[test]
fn an_error_stops_the_claims_behind_it() {
    model(1..=2, || {
        let mut model = Model::start(plan(2, 2), ONE, usize::MAX, |_, index, input| {
            if index == 1 { Err(TaskError::no_worker_left(Some(index), None)) } else { Ok(input) }
        });
        model.outlet.stop_when(|result| result.is_err());
        assert_eq!(model.next().unwrap().unwrap(), 0);
        assert!(model.next().unwrap().is_err());
        model.bridge.cancel();
        model.join();
    });
}

#[test]
fn a_panic_of_the_source_ends_the_run() {
    for stride in [ONE, QUICK] {
        model(1..=2, move || {
            let last = |_: &Shared| Turn::Panicked(Box::new("torn"));
            let mut model = Model::start_with(plan(2, 2), stride, 1, last, same);
            model.expect(1, true);
            assert!(model.bridge.source_panic().is_some());
            model.join();
        });
    }
}

#[test]
fn an_abort_at_any_point_accounts_for_what_was_pulled() {
    for (workers, stride) in [(1, ONE), (1, QUICK), (2, ONE)] {
        model(1..=2, move || {
            let mut model = Model::start(plan(workers, 2), stride, 2, same);
            let notifier = Arc::clone(model.bridge.notifier());
            let outside = thread::spawn(move || notifier.abort());
            let mut next = 0;
            while let Some(result) = model.next() {
                assert_eq!(result.unwrap(), next);
                next += 1;
            }
            // As the engine does after an abort: workers hear of it, and are joined before what is in flight is taken.
            model.bridge.abort();
            outside.join().unwrap();
            let Model { mut outlet, workers, .. } = model;
            for worker in workers {
                worker.join().unwrap();
            }
            let lost = |index| (None, TaskError::aborted(index, None));
            let rest = outlet.rest(lost);
            for finished in rest.items {
                assert_eq!(finished.index, Some(next));
                assert!(finished.result.is_err() || finished.result.is_ok_and(|it| it == next));
                next += 1;
            }
            assert_eq!(next, rest.pulled);
        });
    }
}

#[test]
fn an_abort_wakes_the_consumer_and_a_worker_at_its_item_is_left() {
    model(1..=3, || {
        let mut model = Model::start(plan(1, 1), ONE, 1, busy);
        let notifier = Arc::clone(model.bridge.notifier());
        let outside = thread::spawn(move || notifier.abort());
        assert!(model.next().is_none());
        // It is not waited for: its item is aborted, or not pulled yet.
        let rest = model.outlet.rest(|index| (None, TaskError::aborted(index, None)));
        assert!(rest.items.iter().all(|finished| finished.result.is_err()));
        model.bridge.abort();
        model.bridge.cancel();
        outside.join().unwrap();
        model.join();
    });
}
