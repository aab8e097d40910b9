//! 6. A failed build costs no item: it is made again after a pause, and the item is run by another worker or
//!    waits. The run ends when none of its workers can be built; each item that was pulled then fails, and one more
//!    error stands for the rest. A slow build strands nothing.

use std::convert::identity;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use mtask::spec::FnWorker;
use mtask::{Ended, Pool, Retry, Spec, TaskErrorKind, init_fn, par_stateful};

use crate::util::{Count, Gate, counted, each_pulling_way, each_way, eventually, settle, watched};

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

#[test]
fn a_failed_build_costs_no_item_and_is_made_again() {
    each_way!(|start, way| {
        let builds = Count::default();
        let mut results = start(0..4, broken(&builds, |build| build < 2).times(1));
        assert!(results.by_ref().map(Result::unwrap).eq(0..4), "{way:?}");
        let stats = results.stats();
        assert_eq!((stats.builds, stats.failed_builds, stats.retired), (1, 2, 0), "{way:?}");
        assert_eq!(results.ended(), Some(Ended::Complete), "{way:?}");
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
        assert!(results.by_ref().map(Result::unwrap).eq(0..2), "{way:?}");
        assert_eq!(results.stats().failed_builds, 1);
    });
}

#[test]
fn where_no_worker_can_be_built_the_run_ends() {
    watched(|| {
        for workers in [1, 2, 4] {
            each_way!(|start, way| {
                let builds = Count::default();
                let mut results = start(0..200, broken(&builds, |_| true).times(workers));
                let mut errors = Vec::new();
                loop {
                    let (least, most) = results.size_hint();
                    assert_eq!(Some(least), most, "{way:?}");
                    let Some(item) = results.next() else { break };
                    errors.push(item.unwrap_err());
                    assert!(least > 0, "{way:?}");
                }
                let (rest, items) = errors.split_last().unwrap();
                assert!((1..200).contains(&items.len()), "{way:?}");
                for error in &errors {
                    assert_eq!((error.kind(), error.worker()), (TaskErrorKind::NoWorkerLeft, None));
                    let last_build = error.source().unwrap();
                    assert!(last_build.to_string().contains("could not be built"), "{last_build}");
                    assert!(last_build.source().unwrap().is::<NoDevice>(), "{way:?}");
                    assert_eq!(error.attempts(), 0);
                }
                let mut indices: Vec<_> = items.iter().map(|it| it.index().unwrap()).collect();
                assert!(!way.ordered || indices.is_sorted(), "{way:?}");
                indices.sort_unstable();
                assert!(indices.iter().copied().eq(0..items.len()), "{way:?}");
                assert_eq!(rest.index(), None, "it stands for those that were not pulled");
                assert!(builds.get() >= 3, "{} builds", builds.get());
                assert_eq!(results.stats().retired, workers, "{way:?}");
                assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
            });
            // Nor does it go on for ever.
            each_way!(|start, way| {
                let builds = Count::default();
                let mut results = start(0.., broken(&builds, |_| true).times(workers));
                assert!(results.by_ref().all(|item| item.is_err()));
                assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
            });
        }
    });
}

#[test]
fn what_comes_while_the_last_worker_is_given_up_fails_too() {
    watched(|| {
        each_way!(|start, way| {
            let builds = Count::default();
            // The second item takes until the run has no worker any more; over a local source it is the consumer
            // who waits for it.
            let gone = Gate::default();
            let opened = gone.clone();
            let source = (0..9usize).inspect(move |&x| {
                if x == 1 {
                    gone.pass();
                }
            });
            let mut results = start(source, broken(&builds, |_| true).times(1));
            let opener = std::thread::spawn(move || {
                eventually("the last build has failed", || builds.get() == 3);
                settle();
                opened.open();
            });
            let errors: Vec<_> = results.by_ref().map(Result::unwrap_err).collect();
            opener.join().unwrap();
            assert!(errors.iter().all(|it| it.kind() == TaskErrorKind::NoWorkerLeft), "{way:?}");
            let indices: Vec<_> = errors.iter().map(|it| it.index()).collect();
            let items = indices.len() - 1;
            assert!(indices[..items].iter().copied().eq((0..items).map(Some)), "{indices:?}");
            assert_eq!(indices[items], None, "{way:?}");
            assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
        });
    });
}

#[test]
fn where_everything_was_pulled_nothing_stands_for_the_rest() {
    watched(|| {
        each_way!(|start, way| {
            let builds = Count::default();
            let results = start(0..1, broken(&builds, |_| true).times(2));
            let indices: Vec<_> = results.map(|item| item.unwrap_err().index()).collect();
            assert_eq!(indices, [Some(0)], "{way:?}");
        });
    });
}

#[test]
fn what_was_finished_before_is_yielded_as_it_is() {
    watched(|| {
        each_pulling_way!(|start, way| {
            // The first worker is there for five items; then it panics, and no build succeeds any more. A cancel
            // ends the minute for which that would be tried.
            let builds = Count::default();
            let spec = {
                let builds = builds.clone();
                init_fn(move || match builds.add() {
                    0 => Ok(|x: usize| if x == 5 { panic!("five") } else { x }),
                    _ => Err("no device"),
                })
            };
            let mut results = start(0..20, spec.times(1)).max_in_flight(8);
            let handle = results.cancel_handle();
            assert!(results.by_ref().take(5).map(Result::unwrap).eq(0..5), "{way:?}");
            assert_eq!(results.next().unwrap().unwrap_err().kind(), TaskErrorKind::Panicked);
            eventually("a build has failed", || builds.get() > 1);
            handle.cancel();
            let rest: Vec<_> = results.by_ref().map(Result::unwrap_err).collect();
            assert!(rest.iter().all(|error| error.kind() == TaskErrorKind::NoWorkerLeft));
            assert!(rest.iter().all(|error| error.index().is_some()), "nothing was wanted beyond");
            assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
        });
    });
}

#[test]
fn once_a_worker_was_up_three_failures_are_no_end() {
    each_way!(|start, way| {
        // Two failures, a success, four failures, and so on; each success ends by a panic, so that the worker has to
        // be built again.
        let builds = Count::default();
        let spec = {
            let builds = builds.clone();
            init_fn(move || match builds.add() {
                2 | 7 => Ok(|x: usize| assert!(x > 1_000, "torn")),
                _ => Err("no"),
            })
        };
        let mut results = start(0..2, spec.times(1));
        for index in 0..2 {
            let error = results.next().unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.worker()),
                (TaskErrorKind::Panicked, Some(0)),
                "{way:?}"
            );
            assert_eq!(error.index(), Some(index));
        }
        assert_eq!((builds.get(), results.stats().retired), (8, 0), "{way:?}");
    });
}

#[test]
fn a_worker_that_cannot_be_built_costs_the_others_nothing() {
    watched(|| {
        each_way!(|start, way| {
            let bad = Count::default();
            let gate = Gate::default();
            let good = {
                let gate = gate.clone();
                init_fn(move || {
                    // Leaves the first item to the worker that cannot be built.
                    gate.pass();
                    Ok::<_, NoDevice>(|x: usize| x)
                })
            };
            let specs = [broken(&bad, |_| true).boxed(), good.boxed()];
            let observer = {
                let bad = bad.clone();
                std::thread::spawn(move || {
                    eventually("a build has failed", || bad.get() > 0);
                    gate.open();
                })
            };
            let mut results = start(0..100, specs);
            let mut good: Vec<_> = results.by_ref().map(Result::unwrap).collect();
            observer.join().unwrap();
            good.sort_unstable();
            assert!(good.into_iter().eq(0..100), "{way:?}");
            assert_eq!(results.stats().retired, 0, "{way:?}");
        });
    });
}

#[test]
fn an_item_that_comes_back_at_the_end_finds_a_worker() {
    watched(|| {
        each_pulling_way!(|start, way| {
            // The last item is with a worker whose build takes until the other one has nothing more to do, and
            // fails then.
            let (gate, bad) = (Gate::default(), Count::default());
            let failing = {
                let (gate, bad) = (gate.clone(), bad.clone());
                init_fn(move || {
                    if bad.add() == 0 {
                        gate.pass();
                    }
                    Err::<fn(usize) -> usize, _>("no device")
                })
            };
            let runs = Count::default();
            let good = {
                let (runs, gate) = (runs.clone(), gate.clone());
                init_fn(move || {
                    // Not before the other one is at its build.
                    gate.wait_for(1);
                    let runs = runs.clone();
                    Ok::<_, &str>(move |x: usize| {
                        runs.add();
                        x
                    })
                })
            };
            let observer = std::thread::spawn(move || {
                eventually("the others are run", || runs.get() == 9);
                settle();
                gate.open();
            });
            let specs = [failing.boxed(), good.boxed()];
            let mut all: Vec<_> = start(0..10, specs).map(Result::unwrap).collect();
            observer.join().unwrap();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..10), "{way:?}");
        });
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
                let results = start(0..40, spec.times(2)).max_in_flight(40).chunk_size(batch);
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
            let specs = broken(&builds, |build| build > 1).times(3);
            let mut results = start(source, specs).build_now();
            let error = results.next().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
            assert!(error.worker().is_some());
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!((pulled.get(), builds.get()), (0, 5), "three attempts of one: {way:?}");
        });
    });
    let builds = Count::default();
    let (source, pulled) = counted(0..100usize);
    let mut results = par_stateful(source, broken(&builds, |_| true).times(3)).build_now().inline();
    let error = results.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
    assert!(results.next().is_none());
    assert_eq!((pulled.get(), builds.get()), (0, 3));
}

#[test]
fn a_build_now_that_fails_at_first_is_made_again() {
    watched(|| {
        each_way!(|start, way| {
            let builds = Count::default();
            let results = start(0..9, broken(&builds, |build| build < 2).times(2)).build_now();
            let mut all: Vec<_> = results.map(Result::unwrap).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..9), "{way:?}");
            assert_eq!(builds.get(), 4);
        });
    });
}

#[test]
fn inline_fails_the_same_way() {
    let builds = Count::default();
    let mut results = par_stateful(0..9, broken(&builds, |build| build < 2).times(2)).inline();
    assert!(results.by_ref().map(Result::unwrap).eq(0..9));

    let builds = Count::default();
    let mut results = par_stateful(0..9, broken(&builds, |_| true).times(2)).inline();
    for index in [Some(0), None] {
        let error = results.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.index()), (TaskErrorKind::NoWorkerLeft, index));
    }
    assert!(results.next().is_none());
    assert_eq!((builds.get(), results.ended()), (3, Some(Ended::NoWorkerLeft)));
}

#[test]
fn a_run_ends_after_as_many_attempts_as_were_asked_for() {
    each_way!(|start, way| {
        for (times, delay) in [(0, Duration::ZERO), (6, Duration::from_millis(1))] {
            let builds = Count::default();
            let retry = Retry::times(times).delay(delay).backoff(1.5);
            let specs = broken(&builds, |_| true).times(1);
            let mut results = start(0..1, specs).build_retry(retry);
            assert_eq!(results.next().unwrap().unwrap_err().kind(), TaskErrorKind::NoWorkerLeft);
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!(builds.get(), times + 1, "{way:?}");
            assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
        }
    });
}

#[test]
fn builds_at_the_start_have_as_many_attempts_as_were_asked_for() {
    each_way!(|start, way| {
        let builds = Count::default();
        let retry = Retry::times(4).delay(Duration::from_millis(1));
        let specs = broken(&builds, |_| true).times(1);
        let mut results = start(0..9, specs).build_retry(retry).build_now();
        assert_eq!(results.next().unwrap().unwrap_err().kind(), TaskErrorKind::BuildFailed);
        assert!(results.next().is_none(), "{way:?}");
        assert_eq!(builds.get(), 5, "{way:?}");
        assert_eq!(results.ended(), Some(Ended::StartFailed), "{way:?}");
    });
}

#[test]
fn a_map_of_a_pool_has_rules_of_its_own_for_builds() {
    watched(|| {
        let builds = Count::default();
        let mut pool = Pool::new(broken(&builds, |_| true).times(1));
        for times in [0, 5] {
            let before = builds.get();
            let retry = Retry::times(times).delay(Duration::from_millis(1));
            assert!(pool.map([1]).build_retry(retry).next().unwrap().is_err());
            assert_eq!(builds.get() - before, times + 1);
        }
    });
}
