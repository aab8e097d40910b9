//! Models of the bridge under loom: every interleaving of two workers and a consumer, with a bound on
//! preemptions.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p mtask-core --lib --release loom`: with as
//! many preemptions as find the faults in `.ci/faults`; and with three, or two where three are too many,
//! under `MTASK_MODELS=whole`. A lost wake-up shows as a deadlock, since nothing here waits with a time limit.
//! The clock plays no part.

#[cfg(feature = "stream")]
mod polled;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};

use super::{Bridge, Notifier, Outlet, Plan, Pull, Slept, Stride, Turn};
use crate::TaskError;
use crate::sync::lock;

type Shared = Arc<Bridge<usize, usize>>;

/// Items and results of a model are their own indices.
fn plan(workers: usize, window: usize) -> Plan {
    let window = Some(window);
    Plan {
        workers,
        window,
        item_bytes: 8,
        owning: false,
        chunk: 2,
        ordered: true,
        build_now: false,
        fed: false,
        polled: false,
    }
}

/// A claim of one item, with a fence at each result.
const ONE: Stride = Stride { most: 1, step: 1, quick: false, built: true, item_ns: 0 };
/// A claim of two, of which others may take the second.
const TWO: Stride = Stride { most: 2, ..ONE };
/// A claim of two, without fences.
const QUICK: Stride = Stride { most: 2, step: 2, quick: true, ..ONE };

/// Goes through every interleaving with so many preemptions: the fewest that find the faults which the
/// model is there for, or the most where whole models are asked for.
fn model(preemptions: RangeInclusive<usize>, f: impl Fn() + Send + Sync + 'static) {
    let is_whole = std::env::var("MTASK_MODELS").is_ok_and(|models| models == "whole");
    let bound = if is_whole { preemptions.end() } else { preemptions.start() };
    let mut builder = loom::model::Builder::new();
    // `LOOM_MAX_PREEMPTIONS` goes before it.
    builder.preemption_bound = builder.preemption_bound.or(Some(*bound));
    builder.check(f);
}

/// A source of `0..end`, which checks that the window holds at each pull.
struct Source {
    end: usize,
    window: usize,
    /// What the consumer has been given and come back from.
    returned: Arc<Mutex<usize>>,
    bridge: Shared,
    /// How it ends.
    last: fn(&Shared) -> Turn,
}

impl Pull<usize> for Source {
    fn turn(&mut self, mut index: usize, mut keep: impl FnMut(usize) -> bool) -> Turn {
        if self.bridge.plan.build_now {
            assert_eq!(lock(&self.bridge.state).unbuilt, 0, "a pull before the builds");
        }
        loop {
            if index == self.end {
                return (self.last)(&self.bridge);
            }
            let returned = *self.returned.lock().unwrap();
            assert!(index - returned < self.window, "item {index} is too many");
            if !keep(index) {
                return Turn::Enough;
            }
            index += 1;
        }
    }
}

/// A model's source, bridge and workers.
struct Model {
    bridge: Shared,
    outlet: Outlet<usize, usize>,
    returned: Arc<Mutex<usize>>,
    /// What the consumer has been given.
    given: usize,
    workers: Vec<JoinHandle<()>>,
}

impl Model {
    fn start(
        plan: Plan,
        stride: Stride,
        items: usize,
        run: impl Fn(&Shared, usize, usize) -> Result<usize, TaskError> + Copy + Send + 'static,
    ) -> Self {
        Self::start_with(plan, stride, items, |_| Turn::End, run)
    }

    fn start_with(
        plan: Plan,
        stride: Stride,
        items: usize,
        last: fn(&Shared) -> Turn,
        run: impl Fn(&Shared, usize, usize) -> Result<usize, TaskError> + Copy + Send + 'static,
    ) -> Self {
        let (bridge, outlet) = Bridge::new(plan, Arc::new(Notifier::new()));
        Self::start_behind(bridge, outlet, stride, items, last, run)
    }

    fn start_behind(
        bridge: Shared,
        outlet: Outlet<usize, usize>,
        stride: Stride,
        items: usize,
        last: fn(&Shared) -> Turn,
        run: impl Fn(&Shared, usize, usize) -> Result<usize, TaskError> + Copy + Send + 'static,
    ) -> Self {
        let plan = bridge.plan;
        let returned = Arc::new(Mutex::new(0));
        let workers = (0..plan.workers).map(|worker| {
            let bridge: Shared = Arc::clone(&bridge);
            let returned = Arc::clone(&returned);
            let window = plan.window.unwrap();
            let for_source = Arc::clone(&bridge);
            let mut source = Source { end: items, window, returned, bridge: for_source, last };
            thread::spawn(move || {
                if plan.build_now {
                    bridge.report_build(worker, Ok(()));
                }
                let mut chunk = None;
                while let Some(mut claimed) =
                    bridge.claim(worker, chunk, stride, &mut source, &mut Slept::default())
                {
                    while let Some((index, input)) = bridge.next(&mut claimed) {
                        let result = run(&bridge, index, input);
                        bridge.publish(&mut claimed, Some(worker), result);
                    }
                    chunk = Some(claimed);
                }
            })
        });
        let workers = workers.collect();
        Self { bridge, outlet, returned, given: 0, workers }
    }

    fn next(&mut self) -> Option<Result<usize, TaskError>> {
        // What was given before is in flight no more.
        *self.returned.lock().unwrap() = self.given;
        let finished = match self.outlet.take_ready() {
            Some(finished) => finished,
            None => self.outlet.take()?,
        };
        self.given += 1;
        Some(finished.result)
    }

    /// Takes all results, which have to be `0..items` in order or, with `ordered` false, in any.
    fn expect(&mut self, items: usize, ordered: bool) {
        let mut seen: Vec<usize> = (0..items).map(|_| self.next().unwrap().unwrap()).collect();
        assert!(self.next().is_none());
        if !ordered {
            seen.sort_unstable();
        }
        assert!(seen.into_iter().eq(0..items));
    }

    fn join(self) {
        for worker in self.workers {
            worker.join().unwrap();
        }
    }
}

fn same(_: &Shared, _: usize, input: usize) -> Result<usize, TaskError> {
    Ok(input)
}

/// A bridge with two items that were there before its workers, so that one may claim both.
fn with_two(plan: Plan) -> (Shared, Outlet<usize, usize>) {
    let (bridge, outlet) = Bridge::new(plan, Arc::new(Notifier::new()));
    let mut two = Rest((0..2).collect());
    while !two.0.is_empty() {
        outlet.feed(usize::MAX, &mut two);
    }
    (bridge, outlet)
}

/// Two workers that each do `work` with their number, over a source of `0..end` for which the window is no bound.
fn two_workers(
    bridge: &Shared,
    end: usize,
    work: impl Fn(usize, &Shared, &mut Source) + Copy + Send + 'static,
) -> Vec<JoinHandle<()>> {
    let returned = Arc::new(Mutex::new(usize::MAX / 2));
    let worker = |worker| {
        let (bridge, returned) = (Arc::clone(bridge), Arc::clone(&returned));
        let for_source = Arc::clone(&bridge);
        let (window, last) = (usize::MAX, |_: &Shared| Turn::End);
        let mut source = Source { end, window, returned, bridge: for_source, last };
        thread::spawn(move || work(worker, &bridge, &mut source))
    };
    (0..2).map(worker).collect()
}

/// A call that takes until the run is left: no result wakes the consumer.
fn busy(bridge: &Shared, _: usize, input: usize) -> Result<usize, TaskError> {
    stay(bridge);
    Ok(input)
}

/// The end of a source that blocks until the run is left: no end of it wakes the consumer.
fn blocked(bridge: &Shared) -> Turn {
    stay(bridge);
    Turn::End
}

fn stay(bridge: &Shared) {
    while !bridge.is_cancelled() {
        thread::yield_now();
    }
}

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
fn a_close_at_any_point_gives_what_was_pulled_and_ends() {
    for (workers, preemptions) in [(1, 3), (2, 2)] {
        model(1..=preemptions, move || {
            let mut model = Model::start(plan(workers, 2), ONE, 2, same);
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
    model(1..=3, || {
        let mut model = Model::start_with(plan(1, 2), ONE, 1, blocked, same);
        let notifier = Arc::clone(model.bridge.notifier());
        let outside = thread::spawn(move || notifier.close());
        while model.next().is_some() {}
        model.bridge.cancel();
        outside.join().unwrap();
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
fn a_panic_of_a_worker_gives_back_what_it_had() {
    model(1..=2, || {
        let (bridge, mut outlet) = with_two(plan(2, 4));
        let workers = two_workers(&bridge, 2, |worker, bridge, source| {
            let mut chunk = None;
            while let Some(mut claimed) =
                bridge.claim(worker, chunk, TWO, source, &mut Slept::default())
            {
                if let Some((_, input)) = bridge.next(&mut claimed) {
                    bridge.publish(&mut claimed, Some(worker), Ok(input));
                }
                bridge.give_back(&mut claimed);
                chunk = Some(claimed);
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
        let workers = two_workers(&bridge, 2, |worker, bridge, source| {
            let mut chunk = None;
            let mut is_retired = false;
            while let Some(mut claimed) =
                bridge.claim(worker, chunk, ONE, source, &mut Slept::default())
            {
                while let Some((_, input)) = bridge.next(&mut claimed) {
                    bridge.publish(&mut claimed, Some(worker), Ok(input));
                }
                chunk = Some(claimed);
                if !is_retired && !bridge.retire(worker) {
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
        let workers = two_workers(&bridge, 1, |worker, bridge, source| {
            let is_built = worker == 1;
            let stride = Stride { built: is_built, ..ONE };
            let mut chunk = None;
            while let Some(mut claimed) =
                bridge.claim(worker, chunk, stride, source, &mut Slept::default())
            {
                while let Some((_, input)) = bridge.next(&mut claimed) {
                    if is_built {
                        bridge.publish(&mut claimed, Some(worker), Ok(input));
                        continue;
                    }
                    bridge.put_back(&mut claimed, input);
                    bridge.give_back(&mut claimed);
                    if bridge.retire(worker) {
                        // The other one has taken it meanwhile, and left.
                        let mut slept = Slept::default();
                        let last = bridge.claim(worker, None, stride, source, &mut slept);
                        assert!(last.is_none(), "the other one has left too early");
                    }
                    return;
                }
                chunk = Some(claimed);
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
        let workers = two_workers(&bridge, 9, |worker, bridge, source| {
            let stride = Stride { built: false, ..ONE };
            let (mut chunk, mut is_last) = (None, false);
            while let Some(mut claimed) =
                bridge.claim(worker, chunk, stride, source, &mut Slept::default())
            {
                while let Some((index, input)) = bridge.next(&mut claimed) {
                    if !is_last {
                        bridge.put_back(&mut claimed, input);
                        break;
                    }
                    let error = TaskError::no_worker_left(Some(index), None);
                    bridge.publish(&mut claimed, None, Err(error));
                }
                bridge.give_back(&mut claimed);
                chunk = Some(claimed);
                if !is_last {
                    is_last = bridge.retire(worker);
                    if !is_last {
                        return;
                    }
                    bridge.give_up();
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

/// A source on the consumer's thread.
struct Rest(VecDeque<usize>);

impl Pull<usize> for Rest {
    fn turn(&mut self, _index: usize, mut keep: impl FnMut(usize) -> bool) -> Turn {
        while let Some(item) = self.0.pop_front() {
            if !keep(item) {
                return Turn::Enough;
            }
        }
        Turn::End
    }
}

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
