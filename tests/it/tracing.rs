//! The feature `tracing`: what a run tells a subscriber.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mtask::{
    BoxSpec, Pool, Spec, TaskError, init_fn, par_map, par_stateful, par_stateful_local, scope,
    worker_fn,
};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Span, Subscriber, dispatcher};
use tracing_core::span::Current;

use crate::collector::{Collector, Told};
use crate::util::{Gate, watched};

/// A worker that tells of its build and of each call.
fn talking() -> BoxSpec<usize, usize> {
    init_fn(|| {
        tracing::info!("in build");
        Ok::<_, Infallible>(|x: usize| {
            tracing::info!("in call");
            x
        })
    })
    .boxed()
}

/// Has a run over ten items, inside a span of the caller's and by each way to have one: it is given as its
/// backend, how many workers it has, and itself.
fn each_way(
    mut each: impl FnMut(&str, &str, &mut dyn FnMut(&Collector) -> Vec<Result<usize, TaskError>>),
) {
    let specs = || talking().times(2);
    let consume = |run: &mut dyn Iterator<Item = Result<usize, TaskError>>| {
        run.inspect(|_| tracing::info!("at the consumer")).collect()
    };
    let hear = |collector: &Collector, run: &mut dyn FnMut() -> Vec<_>| {
        collector.hear(|| tracing::info_span!("caller").in_scope(run))
    };
    each("threads", "2", &mut |collector| {
        hear(collector, &mut || consume(&mut par_stateful(0..10, specs())))
    });
    each("threads", "2", &mut |collector| {
        hear(collector, &mut || consume(&mut par_stateful_local(0..10, specs())))
    });
    each("threads", "2", &mut |collector| {
        hear(collector, &mut || scope(|s| consume(&mut s.par_stateful(0..10, specs()))))
    });
    each("threads", "2", &mut |collector| {
        hear(collector, &mut || consume(&mut Pool::new(specs()).map(0..10)))
    });
    each("inline", "1", &mut |collector| {
        hear(collector, &mut || consume(&mut par_stateful(0..10, specs()).inline()))
    });
}

fn fields<const N: usize>(told: &Told, names: [&str; N]) -> [Option<String>; N] {
    names.map(|name| told.get(name).map(str::to_owned))
}

fn some<const N: usize>(values: [&str; N]) -> [Option<String>; N] {
    values.map(|value| Some(value.to_owned()))
}

#[test]
fn what_a_worker_tells_is_in_its_span_and_that_in_the_runs() {
    watched(|| {
        each_way(|backend, workers, run| {
            let collector = Collector::default();
            let results = run(&collector);
            assert!(results.into_iter().map(Result::unwrap).eq(0..10), "{backend}");
            let [run] = &collector.spans("mtask.run")[..] else { panic!("one run: {backend}") };
            assert_eq!(fields(run, ["backend", "workers"]), some([backend, workers]));
            assert_eq!(collector.path(run), ["caller"]);
            let spans = collector.spans("mtask.worker");
            let mut numbers: Vec<_> =
                spans.iter().map(|span| span.get("worker").unwrap()).collect();
            numbers.sort_unstable();
            assert!(numbers == ["0", "1"][..workers.parse().unwrap()], "{backend}: {numbers:?}");

            assert_eq!(collector.events("in call").len(), 10);
            let builds = collector.events("in build");
            assert!(!builds.is_empty());
            for event in builds.into_iter().chain(collector.events("in call")) {
                let path = collector.path(&event);
                assert_eq!(path, ["mtask.worker", "mtask.run", "caller"], "{backend}");
            }
        });
    });
}

#[test]
fn the_consumer_is_in_no_span_of_the_run() {
    watched(|| {
        each_way(|backend, _, run| {
            let collector = Collector::default();
            assert_eq!(run(&collector).len(), 10);
            let events = collector.events("at the consumer");
            assert_eq!(events.len(), 10);
            for event in events {
                assert_eq!(collector.path(&event), ["caller"], "{backend}");
            }
        });
    });
}

#[test]
fn every_span_ends_with_its_run() {
    watched(|| {
        each_way(|backend, _, run| {
            let collector = Collector::default();
            assert_eq!(run(&collector).len(), 10);
            for name in ["mtask.run", "mtask.worker", "caller"] {
                assert!(collector.spans(name).iter().all(Told::is_closed), "{name}: {backend}");
            }
        });
        // Not even a handle that is kept keeps it open.
        let collector = Collector::default();
        let mut run = par_map(0..3, 2, |x: usize| x);
        let handle = run.cancel_handle();
        collector.hear(|| run.by_ref().for_each(drop));
        assert!(collector.spans("mtask.run")[0].is_closed());
        collector.hear(|| handle.cancel());
        assert_eq!(collector.events("run cancelled").len(), 0);
    });
}

#[test]
fn a_run_tells_what_it_was_asked_to_be() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let run = || par_map(0..3, 2, |x: usize| x);
            run().for_each(drop);
            run().max_in_flight(7).unordered().for_each(drop);
            run().unbounded().for_each(drop);
            run().max_in_flight(7).unordered().inline().for_each(drop);
        });
        let runs = collector.spans("mtask.run");
        let told: Vec<_> = runs.iter().map(|run| fields(run, ["window", "ordered"])).collect();
        let asked =
            [["adaptive", "true"], ["7", "false"], ["unbounded", "true"], ["1", "true"]].map(some);
        assert_eq!(told, asked);
        assert!(runs.iter().all(|run| run.level() == Level::INFO));
    });
}

#[test]
fn the_end_of_a_run_has_its_figures() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let run =
                par_map(0..20, 2, |x: usize| if x == 7 { Err("no") } else { Ok(1 / (x % 10)) });
            assert_eq!(run.flatten_errors().filter(Result::is_err).count(), 3);
            par_map(0..0, 2, |x: usize| x).for_each(drop);
        });
        let [run, empty] = &collector.events("run finished")[..] else { panic!("two ends") };
        assert_eq!(run.level(), Level::DEBUG);
        assert_eq!(fields(run, ["items", "errors"]), some(["20", "3"]));
        assert!(run.get("elapsed").unwrap().ends_with('s'));
        assert_eq!(collector.path(run), ["mtask.run"]);
        assert_eq!(fields(empty, ["items", "errors"]), some(["0", "0"]));
        assert_eq!(collector.spans("mtask.worker").len(), 2, "an empty run has no workers");
    });
}

#[test]
fn builds_are_told_and_why_they_fail() {
    watched(|| {
        for inline in [true, false] {
            let collector = Collector::default();
            collector.hear(|| {
                let run = |spec: BoxSpec<usize, usize>| {
                    let run = par_stateful(0..5, [spec]);
                    if inline { run.inline().count() } else { run.count() }
                };
                let good = init_fn(|| Ok::<_, String>(|x: usize| x)).boxed();
                let count = Arc::new(AtomicUsize::new(0));
                let bad = init_fn(move || match count.fetch_add(1, Ordering::Relaxed) {
                    1 => panic!("no driver"),
                    _ => Err::<fn(usize) -> usize, _>("no device"),
                });
                assert_eq!((run(good), run(bad.boxed())), (5, 2));
            });
            let [built] = &collector.events("worker built")[..] else { panic!("one build") };
            assert_eq!((built.level(), built.get("worker")), (Level::DEBUG, Some("0")));
            assert!(built.get("elapsed").unwrap().ends_with('s'));
            let failed = collector.events("build failed");
            let told: Vec<_> =
                failed.iter().map(|it| fields(it, ["worker", "failures", "error"])).collect();
            let errors =
                [["0", "1", "no device"], ["0", "2", "no driver"], ["0", "3", "no device"]];
            assert_eq!(told, errors.map(some));
            assert!(failed.iter().all(|it| it.level() == Level::WARN));
            let [retired] = &collector.events("worker retired")[..] else { panic!("it is") };
            assert_eq!((retired.level(), retired.get("worker")), (Level::ERROR, Some("0")));
            for event in [built, &failed[0], retired] {
                assert_eq!(collector.path(event), ["mtask.worker", "mtask.run"]);
            }
        }
    });
}

#[test]
fn panics_are_told_with_their_item() {
    watched(|| {
        for inline in [true, false] {
            let collector = Collector::default();
            let call = |x: usize| if x == 3 { panic!("not {x}") } else { x };
            let count = collector.hear(|| {
                let run = par_map(0..6, 1, call);
                if inline { run.inline().count() } else { run.count() }
            });
            assert_eq!(count, 6);
            let [panic] = &collector.events("worker panicked")[..] else { panic!("one panic") };
            assert_eq!(panic.level(), Level::WARN);
            assert_eq!(fields(panic, ["worker", "index", "panic"]), some(["0", "3", "not 3"]));
            assert_eq!(collector.path(panic), ["mtask.worker", "mtask.run"]);
            assert_eq!(collector.events("worker built").len(), 2);
        }
    });
}

#[test]
fn a_destructor_and_a_source_that_panic_are_told_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    watched(|| {
        let collector = Collector::default();
        let spec = init_fn(|| {
            let bomb = Bomb;
            Ok::<_, Infallible>(move |x: usize| {
                let _ = &bomb;
                x
            })
        });
        let source = (0..5).inspect(|&x| assert_ne!(x, 3, "no more"));
        collector.hear(|| {
            let run = par_stateful(source, spec.times(1));
            catch_unwind(AssertUnwindSafe(|| run.for_each(drop))).unwrap_err();
        });
        let told = collector.messages();
        assert_eq!(told, ["worker built", "destructor panicked", "source panicked"]);
        let source = &collector.events("source panicked")[0];
        assert!(source.get("panic").unwrap().contains("no more"));
        assert_eq!(collector.path(source), ["mtask.run"]);
    });
}

#[test]
fn what_is_tried_again_is_told_with_its_attempt() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let run = par_map(0..4, 2, |x: usize| if x == 2 { Err("no") } else { Ok(x) });
            assert_eq!(run.retries(2).flatten_errors().filter(Result::is_err).count(), 1);
        });
        let again = collector.events("item tried again");
        let told: Vec<_> = again.iter().map(|it| fields(it, ["index", "attempt"])).collect();
        assert_eq!(told, [["2", "2"], ["2", "3"]].map(some));
        assert!(again.iter().all(|it| it.level() == Level::INFO && it.get("worker").is_some()));
    });
}

#[test]
fn the_end_of_a_lifespan_is_told() {
    watched(|| {
        for panics in [false, true] {
            let collector = Collector::default();
            let call =
                move |x: usize| if panics && x == 3 { panic!("it ends by itself") } else { x };
            collector.hear(|| par_map(0..5, 1, call).lifespan(2).for_each(drop));
            let over = collector.events("lifespan over");
            assert_eq!(over.len(), if panics { 1 } else { 2 });
            assert!(over.iter().all(|it| it.level() == Level::DEBUG));
            assert_eq!(fields(&over[0], ["worker", "items"]), some(["0", "2"]));
            assert_eq!(collector.events("worker built").len(), 3);
        }
    });
}

#[test]
fn a_cancel_is_told_once_and_from_wherever_it_comes_in_the_run() {
    watched(|| {
        let collector = Collector::default();
        let mut run = par_map(0.., 2, |x: usize| x);
        let handle = run.cancel_handle();
        collector.hear(|| run.next()).unwrap().unwrap();
        // Of this thread nobody hears; it is the run's subscriber that does.
        handle.cancel();
        handle.clone().cancel();
        run.by_ref().for_each(drop);
        drop(run);
        let [cancel] = &collector.events("run cancelled")[..] else { panic!("once") };
        assert_eq!((cancel.level(), cancel.get("by")), (Level::INFO, Some("handle")));
        assert_eq!(collector.path(cancel), ["mtask.run"]);
        assert_eq!(collector.events("run finished").len(), 1);

        let collector = Collector::default();
        collector.hear(|| {
            let run = par_map(0..3, 2, |x: usize| x);
            run.cancel_handle().cancel();
            drop(run);
        });
        assert_eq!(collector.messages(), ["run cancelled"]);
        assert!(collector.spans("mtask.run").is_empty());
    });
}

#[test]
fn an_early_drop_is_told_before_it_is_waited_for() {
    watched(|| {
        let collector = Collector::default();
        let gate = Gate::default();
        let passed = gate.clone();
        let mut run = par_map(0.., 1, move |x: usize| {
            if x == 1 {
                passed.pass();
            }
            x
        });
        collector.hear(|| run.next()).unwrap().unwrap();
        gate.wait_for(1);
        let dropped = std::thread::spawn(move || drop(run));
        crate::util::eventually("it is told", || !collector.events("run cancelled").is_empty());
        assert!(!dropped.is_finished());
        gate.open();
        dropped.join().unwrap();
        let [cancel] = &collector.events("run cancelled")[..] else { panic!("once") };
        assert_eq!((cancel.get("by"), collector.path(cancel)), (Some("drop"), vec!["mtask.run"]));
        assert!(collector.spans("mtask.run")[0].is_closed());
        assert!(collector.events("run finished").is_empty());

        // What had not started had nothing to cancel, and what was at its end neither.
        let collector = Collector::default();
        collector.hear(|| {
            drop(par_map(0..3, 2, |x: usize| x));
            drop(par_map(0..3, 2, |x: usize| x).unordered().inline());
            assert_eq!(par_map(0..3, 2, |x: usize| x).count(), 3);
        });
        assert!(collector.events("run cancelled").is_empty());
    });
}

#[test]
fn each_map_of_a_pool_is_a_run_of_its_own() {
    watched(|| {
        let collectors = [Collector::default(), Collector::default()];
        let mut pool = Pool::new(talking().times(1));
        for collector in &collectors {
            collector.hear(|| assert_eq!(pool.map(0..3).count(), 3));
            assert_eq!(collector.spans("mtask.run").len(), 1);
            assert_eq!(collector.spans("mtask.worker").len(), 1);
            let calls = collector.events("in call");
            assert_eq!(calls.len(), 3);
            let path = collector.path(&calls[0]);
            assert_eq!(path, ["mtask.worker", "mtask.run"]);
        }
        let builds = collectors.map(|collector| collector.events("worker built").len());
        assert_eq!(builds, [1, 0]);
        drop(pool);

        let collector = Collector::default();
        collector.hear(|| {
            let mut pool = Pool::new(talking().times(2));
            tracing::info_span!("caller").in_scope(|| pool.build_now()).unwrap();
        });
        let builds = collector.events("worker built");
        assert_eq!(builds.len(), 2);
        assert_eq!(collector.path(&builds[0]), ["mtask.worker", "caller"]);
    });
}

#[test]
fn a_run_inside_a_worker_is_in_the_workers_span() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let inner = |x: usize| par_stateful(0..x, talking().times(1)).count();
            assert_eq!(par_map([3], 1, inner).propagate_panics().next(), Some(3));
        });
        let call = &collector.events("in call")[0];
        let path = ["mtask.worker", "mtask.run"];
        assert_eq!(collector.path(call), [path, path].concat());
    });
}

/// A subscriber that panics wherever it can.
struct Panicking;

impl Subscriber for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mtask"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        panic!("record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {
        panic!("follows from");
    }

    fn event(&self, _: &Event<'_>) {
        panic!("event");
    }

    fn enter(&self, _: &Id) {
        panic!("enter");
    }

    fn exit(&self, _: &Id) {
        panic!("exit");
    }

    fn try_close(&self, _: Id) -> bool {
        panic!("close");
    }

    fn current_span(&self) -> Current {
        Current::none()
    }
}

#[test]
fn a_subscriber_that_panics_does_no_harm() {
    watched(|| {
        dispatcher::with_default(&Dispatch::new(Panicking), || {
            let call = |x: usize| if x == 3 { panic!("not {x}") } else { x };
            for _ in 0..20 {
                let results = par_map(0..10, 2, call).max_in_flight(5);
                assert_eq!(results.flatten().sum::<usize>(), 42);
                let results = par_map(0..10, 2, call).inline();
                assert_eq!(results.flatten().sum::<usize>(), 42);
                let mut pool = Pool::new(worker_fn(call).times(2));
                let results = pool.map(0..10);
                assert_eq!(results.flatten().sum::<usize>(), 42);
                let mut run = par_map(0.., 2, |x: usize| x);
                run.next();
                run.cancel_handle().cancel();
                drop(run);
            }
        });
    });
}

#[test]
fn where_nobody_listens_nobody_hears() {
    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let silent = Dispatch::none();
            dispatcher::with_default(&silent, || {
                par_stateful(0..10, talking().times(2)).for_each(drop);
                assert!(Span::current().is_none());
            });
        });
        assert!(collector.messages().is_empty() && collector.events("in call").is_empty());
    });
}
