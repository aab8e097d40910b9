//! Models of the bridge under loom: every interleaving of two workers and a consumer, with at
//! most three preemptions; two where three items make for too many.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p mtask-core --lib --release loom`. A lost wake-up
//! shows as a deadlock, since nothing here waits with a time limit. The clock plays no part.

use std::cell::RefCell;

use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};

use super::{Bridge, Plan, Pulled};
use crate::TaskError;

type Shared = Arc<Bridge<usize, usize>>;

/// Items and results of a model are their own indices.
fn plan(workers: usize, window: usize) -> Plan {
    Plan { workers, window, batch: 1, ordered: true, build_now: false, fed: false }
}

fn model(f: impl Fn() + Send + Sync + 'static) {
    model_with(3, f);
}

fn model_with(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(f);
}

/// A source of `0..end`, which checks that the window holds at each pull.
struct Source {
    bridge: Shared,
    end: usize,
    window: usize,
    /// What the consumer has been given and come back from.
    returned: Arc<Mutex<usize>>,
}

impl Source {
    fn pull(&self, index: usize) -> Pulled<usize> {
        if index == self.end {
            return Pulled::End;
        }
        assert!(index - *self.returned.lock().unwrap() < self.window, "item {index} is too many");
        Pulled::Item(index)
    }
}

/// A model's source, bridge and workers.
struct Model {
    bridge: Shared,
    returned: Arc<Mutex<usize>>,
    workers: Vec<JoinHandle<()>>,
}

impl Model {
    fn start(
        plan: Plan,
        items: usize,
        run: impl Fn(&Shared, usize, usize) -> Result<usize, TaskError> + Copy + Send + 'static,
    ) -> Self {
        let bridge: Shared = Arc::new(Bridge::new(plan));
        let returned = Arc::new(Mutex::new(0));
        let workers = (0..plan.workers).map(|worker| {
            let source = Source {
                bridge: Arc::clone(&bridge),
                end: items,
                window: plan.window,
                returned: Arc::clone(&returned),
            };
            thread::spawn(move || {
                let bridge = &source.bridge;
                if plan.build_now {
                    bridge.report_build(worker, Ok(()));
                }
                while let Some((index, input)) = bridge.claim(true, |index| source.pull(index)) {
                    let result = run(bridge, index, input);
                    bridge.publish(index, Some(worker), result);
                }
            })
        });
        let workers = workers.collect();
        Self { bridge, returned, workers }
    }

    fn next(&self) -> Option<Result<usize, TaskError>> {
        let finished = self.bridge.take()?;
        *self.returned.lock().unwrap() += 1;
        Some(finished.result)
    }

    fn join(self) {
        for worker in self.workers {
            worker.join().unwrap();
        }
    }
}

#[test]
fn ordered_items_all_come_in_order() {
    model_with(2, || {
        let model = Model::start(plan(2, 2), 3, |_, _, input| Ok(input));
        for expected in 0..3 {
            assert_eq!(model.next().unwrap().unwrap(), expected);
        }
        assert!(model.next().is_none());
        model.join();
    });
}

#[test]
fn unordered_items_come_once() {
    model_with(2, || {
        let plan = Plan { ordered: false, ..plan(2, 2) };
        let model = Model::start(plan, 3, |_, _, input| Ok(input));
        let mut seen: Vec<usize> = (0..3).map(|_| model.next().unwrap().unwrap()).collect();
        assert!(model.next().is_none());
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
        model.join();
    });
}

#[test]
fn a_window_of_one_moves_on() {
    model(|| {
        let model = Model::start(plan(2, 1), 2, |_, _, input| Ok(input));
        assert_eq!(model.next().unwrap().unwrap(), 0);
        assert_eq!(model.next().unwrap().unwrap(), 1);
        assert!(model.next().is_none());
        model.join();
    });
}

#[test]
fn a_turn_of_two_is_shared() {
    model(|| {
        let plan = Plan { batch: 2, ..plan(2, 2) };
        let model = Model::start(plan, 2, |_, _, input| Ok(input));
        assert_eq!(model.next().unwrap().unwrap(), 0);
        assert_eq!(model.next().unwrap().unwrap(), 1);
        assert!(model.next().is_none());
        model.join();
    });
}

#[test]
fn a_cancel_at_any_point_ends_the_workers() {
    model(|| {
        let model = Model::start(plan(2, 2), usize::MAX, |_, _, input| Ok(input));
        model.next().unwrap().unwrap();
        model.bridge.cancel();
        assert!(model.next().is_none());
        model.join();
    });
}

#[test]
fn a_cancel_from_outside_wakes_the_consumer() {
    model(|| {
        let model = Model::start(plan(1, 1), 1, |_, _, input| Ok(input));
        let bell = Arc::clone(model.bridge.bell());
        let outer = thread::spawn(move || bell.cancel());
        while model.next().is_some() {}
        model.bridge.cancel();
        outer.join().unwrap();
        model.join();
    });
}

#[test]
fn an_error_stops_the_claims_behind_it() {
    model(|| {
        let model = Model::start(plan(2, 2), usize::MAX, |bridge, index, input| {
            bridge.stop_when(Result::is_err);
            if index == 1 { Err(TaskError::no_worker_left(index, None)) } else { Ok(input) }
        });
        assert_eq!(model.next().unwrap().unwrap(), 0);
        assert!(model.next().unwrap().is_err());
        model.bridge.cancel();
        model.join();
    });
}

#[test]
fn a_panic_of_the_source_ends_the_run() {
    model(|| {
        let bridge: Shared = Arc::new(Bridge::new(plan(2, 2)));
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let bridge = Arc::clone(&bridge);
                thread::spawn(move || {
                    let pull = |index| match index {
                        0 => Pulled::Item(0),
                        _ => Pulled::Panicked(Box::new("torn")),
                    };
                    while let Some((index, input)) = bridge.claim(true, pull) {
                        bridge.publish(index, Some(worker), Ok(input));
                    }
                })
            })
            .collect();
        assert_eq!(bridge.take().unwrap().result.unwrap(), 0);
        assert!(bridge.take().is_none());
        assert!(bridge.source_panic().is_some());
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn builds_at_the_start_come_before_any_pull() {
    model(|| {
        let plan = Plan { build_now: true, ..plan(2, 2) };
        let model = Model::start(plan, 1, |_, _, input| Ok(input));
        assert_eq!(model.next().unwrap().unwrap(), 0);
        assert!(model.next().is_none());
        model.join();
    });
}

#[test]
fn a_consumer_that_feeds_gets_everything() {
    model(|| {
        let model = Model::start(Plan { fed: true, ..plan(2, 2) }, 2, |_, _, input| Ok(input));
        let rest = RefCell::new(0..2);
        let mut feed = |_| rest.borrow_mut().next().map_or(Pulled::End, Pulled::Item);
        assert_eq!(model.bridge.take_and_feed(&mut feed).unwrap().result.unwrap(), 0);
        assert_eq!(model.bridge.take_and_feed(&mut feed).unwrap().result.unwrap(), 1);
        assert!(model.bridge.take_and_feed(&mut feed).is_none());
        model.join();
    });
}
