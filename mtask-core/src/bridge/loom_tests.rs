//! Models of the bridge under loom: every interleaving of two workers and a consumer, with a bound on
//! preemptions.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p mtask-core --lib --release loom`: with as
//! many preemptions as find the faults in `.ci/faults`; and with three, or two where three are too many,
//! under `MTASK_MODELS=whole`. A lost wake-up shows as a deadlock, since nothing here waits with a time limit.
//! The clock plays no part.

mod ends;
mod fed;
mod items;
#[cfg(feature = "stream")]
mod polled;
mod workers;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};

use super::{Bridge, Notifier, Outlet, Plan, Pull, Slept, Stride, Turn, WorkerSide};
use crate::TaskError;
use crate::sync::lock;

type Shared = Arc<Bridge<usize, usize>>;
type Side<'b> = WorkerSide<'b, usize, usize>;

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
                let mut side = bridge.side(worker);
                if plan.build_now {
                    side.report_build(Ok(()));
                }
                loop {
                    if let Some(mut alone) = side.alone(stride) {
                        let call = |index, input| run(&bridge, index, input).unwrap();
                        let (_, panicked) = alone.run(&mut source, call);
                        assert!(panicked.is_none());
                        continue;
                    }
                    let claim = side.claim(stride, &mut source, &mut Slept::default());
                    let Some(mut claim) = claim else { break };
                    if stride.quick {
                        claim.run(|index, input| run(&bridge, index, input).unwrap());
                    }
                    while let Some(claimed) = claim.next() {
                        let (input, begun) = claimed.begin();
                        let result = run(&bridge, begun.index(), input);
                        begun.publish(Some(worker), result);
                    }
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
    let (bridge, mut outlet) = Bridge::new(plan, Arc::new(Notifier::new()));
    let mut two = Rest((0..2).collect());
    while !two.0.is_empty() {
        outlet.feed(usize::MAX, &mut two);
    }
    (bridge, outlet)
}

/// Two workers that each do `work` with their number and side, over a source of `0..end` for which the window is no bound.
fn two_workers(
    bridge: &Shared,
    end: usize,
    work: impl Fn(usize, Side<'_>, &mut Source) + Copy + Send + 'static,
) -> Vec<JoinHandle<()>> {
    let returned = Arc::new(Mutex::new(usize::MAX / 2));
    let worker = |worker| {
        let (bridge, returned) = (Arc::clone(bridge), Arc::clone(&returned));
        let for_source = Arc::clone(&bridge);
        let (window, last) = (usize::MAX, |_: &Shared| Turn::End);
        let mut source = Source { end, window, returned, bridge: for_source, last };
        thread::spawn(move || work(worker, bridge.side(worker), &mut source))
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
