//! 6. A failed build costs the item in hand and is tried again for the next one; three failures in
//!    a row retire the worker, a success resets the count, and when no worker is left every
//!    further input yields an error. A slow build strands nothing.

use std::convert::identity;
use std::error::Error;
use std::fmt;

use mtask::{FnWorker, Spec, TaskError, TaskErrorKind, init_fn, par_stateful};

use crate::util::{Count, Gate, counted, each_way, eventually, watched};

#[derive(Debug, PartialEq)]
struct NoDevice(usize);

impl fmt::Display for NoDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no device {}", self.0)
    }
}

impl Error for NoDevice {}

/// A spec whose builds fail while `fails` says so of their number, for a worker that gives back
/// its input.
fn broken(
    builds: &Count,
    fails: fn(usize) -> bool,
) -> impl Spec<FnWorker<fn(usize) -> usize, usize, usize>> + use<> {
    let builds = builds.clone();
    init_fn(move || {
        let build = builds.add();
        if fails(build) { Err(NoDevice(build)) } else { Ok(identity as fn(usize) -> usize) }
    })
}

#[track_caller]
fn assert_build_failed(error: &TaskError, index: usize, worker: Option<usize>) {
    assert_eq!(error.kind(), TaskErrorKind::BuildFailed);
    assert_eq!((error.index(), error.worker()), (Some(index), worker), "{error}");
}

#[test]
fn a_failed_build_costs_the_item_in_hand_and_names_the_cause() {
    each_way!(|start, way| {
        let builds = Count::default();
        let mut results = start(0..4, broken(&builds, |build| build < 2).times(1));
        for index in 0..2 {
            let error = results.next().unwrap().unwrap_err();
            assert_build_failed(&error, index, Some(0));
            assert_eq!(error.source().unwrap().downcast_ref(), Some(&NoDevice(index)), "{way:?}");
            assert_eq!(error.to_string(), format!("item {index}: worker 0 could not be built"));
            let cause = error.into_cause().unwrap();
            assert_eq!(cause.downcast_ref(), Some(&NoDevice(index)));
        }
        assert_eq!(results.next().unwrap().unwrap(), 2, "it is tried again: {way:?}");
        assert_eq!(results.next().unwrap().unwrap(), 3);
        assert!(results.next().is_none());
        let stats = results.stats();
        assert_eq!((stats.builds, stats.failed_builds, stats.retired), (1, 2, 0), "{way:?}");
    });
}

#[test]
fn a_panic_in_a_build_is_a_failed_build() {
    each_way!(|start, way| {
        let builds = Count::default();
        let spec = init_fn(move || {
            let build = builds.add();
            assert!(build > 0, "build {build} breaks");
            Ok::<_, String>(|x: usize| x)
        });
        let mut results = start(0..2, spec.times(1));
        let error = results.next().unwrap().unwrap_err();
        assert_build_failed(&error, 0, Some(0));
        assert_eq!(error.panic_message(), Some("build 0 breaks"), "{way:?}");
        assert!(error.to_string().contains("build 0 breaks"));
        assert_eq!(results.next().unwrap().unwrap(), 1, "{way:?}");
        assert_eq!(results.stats().failed_builds, 1);
    });
}

#[test]
fn three_failures_in_a_row_retire_a_worker() {
    each_way!(|start, way| {
        let builds = Count::default();
        let mut results = start(0..50, broken(&builds, |_| true).times(1));
        for index in 0..3 {
            assert_build_failed(&results.next().unwrap().unwrap_err(), index, Some(0));
        }
        for index in 3..50 {
            let error = results.next().unwrap().unwrap_err();
            assert_build_failed(&error, index, None);
            assert!(error.to_string().contains("no device 2"), "the last cause is told: {error}");
        }
        assert!(results.next().is_none());
        assert_eq!(builds.get(), 3, "a retired worker is not built again: {way:?}");
        let stats = results.stats();
        assert_eq!((stats.failed_builds, stats.retired), (3, 1), "{way:?}");
    });
}

#[test]
fn a_success_resets_the_count() {
    each_way!(|start, way| {
        // Two failures, a success, and so on; each success ends by a panic, so that the worker
        // has to be built again.
        let builds = Count::default();
        let spec = {
            let builds = builds.clone();
            init_fn(move || {
                let build = builds.add();
                if build % 3 < 2 { Err("no") } else { Ok(|x: usize| assert!(x > 1_000, "torn")) }
            })
        };
        let mut results = start(0..30, spec.times(1));
        for index in 0..30 {
            let error = results.next().unwrap().unwrap_err();
            let kind =
                if index % 3 < 2 { TaskErrorKind::BuildFailed } else { TaskErrorKind::Panicked };
            assert_eq!((error.kind(), error.worker()), (kind, Some(0)), "item {index}: {way:?}");
        }
        assert_eq!(builds.get(), 30, "{way:?}");
        assert_eq!(results.stats().retired, 0);
    });
}

#[test]
fn the_others_go_on_when_a_worker_is_retired() {
    watched(|| {
        each_way!(|start, way| {
            let bad = Count::default();
            let gate = Gate::default();
            let good = {
                let gate = gate.clone();
                init_fn(move || {
                    // Leaves the first items to the worker that cannot be built.
                    gate.pass();
                    Ok::<_, NoDevice>(|x: usize| x)
                })
            };
            let specs = [broken(&bad, |_| true).boxed(), good.boxed()];
            let observer = {
                let bad = bad.clone();
                std::thread::spawn(move || {
                    eventually("a worker is retired", || bad.get() == 3);
                    gate.open();
                })
            };
            let (good, failed): (Vec<_>, Vec<_>) =
                start(0..100, specs).partition(|result| result.is_ok());
            observer.join().unwrap();
            assert_eq!((good.len(), failed.len()), (97, 3), "{way:?}");
            for error in failed {
                assert_eq!(error.unwrap_err().worker(), Some(0));
            }
        });
    });
}

#[test]
fn when_no_worker_is_left_every_further_input_yields_an_error() {
    watched(|| {
        for workers in [1, 2, 4] {
            each_way!(|start, way| {
                let builds = Count::default();
                let mut results = start(0..200, broken(&builds, |_| true).times(workers));
                let errors: Vec<_> = results.by_ref().map(Result::unwrap_err).collect();
                assert_eq!(errors.len(), 200);
                assert!(errors.iter().all(|e| e.kind() == TaskErrorKind::BuildFailed));
                let without = errors.iter().filter(|e| e.worker().is_none()).count();
                assert_eq!(without, 200 - 3 * workers, "{way:?}");
                assert_eq!(builds.get(), 3 * workers, "{way:?}");
                assert_eq!(results.stats().retired, workers);
            });
        }
    });
}

#[test]
fn a_slow_build_strands_nothing() {
    watched(|| {
        for batch in [1, 8] {
            each_way!(|start, way| {
                let (gate, builds, runs) = (Gate::default(), Count::default(), Count::default());
                let spec = {
                    let (gate, runs) = (gate.clone(), runs.clone());
                    init_fn(move || {
                        if builds.add() == 0 {
                            gate.pass();
                        }
                        let runs = runs.clone();
                        Ok::<_, String>(move |x: usize| {
                            runs.add();
                            x
                        })
                    })
                };
                let observer = std::thread::spawn(move || {
                    gate.wait_for(1);
                    // The build that stands has one item in hand; the other worker runs the rest.
                    eventually("all but one are run", || runs.get() == 39);
                    gate.open();
                });
                let results = start(0..40, spec.times(2)).max_in_flight(40).batch_size(batch);
                assert_eq!(results.filter(Result::is_ok).count(), 40, "{way:?}");
                observer.join().unwrap();
            });
        }
    });
}

#[test]
fn a_failed_build_now_is_the_only_item() {
    watched(|| {
        each_way!(|start, way| {
            let builds = Count::default();
            let (source, pulled) = counted(0..100usize);
            let specs = broken(&builds, |build| build == 1).times(3);
            let mut results = start(source, specs).build_now();
            let error = results.next().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
            assert!(error.worker().is_some());
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!((pulled.get(), builds.get()), (0, 3), "{way:?}");
        });
    });
    let builds = Count::default();
    let (source, pulled) = counted(0..100usize);
    let mut results = par_stateful(source, broken(&builds, |_| true).times(3)).build_now().inline();
    let error = results.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
    assert!(results.next().is_none());
    assert_eq!((pulled.get(), builds.get()), (0, 1));
}

#[test]
fn inline_fails_and_retires_the_same_way() {
    let builds = Count::default();
    let mut results = par_stateful(0..9, broken(&builds, |_| true).times(2)).inline();
    for index in 0..9 {
        let worker = (index < 3).then_some(0);
        assert_build_failed(&results.next().unwrap().unwrap_err(), index, worker);
    }
    assert!(results.next().is_none());
    assert_eq!(builds.get(), 3);
}
