//! 8. `abort()`: nothing more is pulled or begun, what is in progress gets the shutdown timeout, and each item in
//!    flight yields one item, in order.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use mtask::{
    CancelHandle, Ended, ParStatefulExt, Pool, Retry, Spec, TaskError, TaskErrorKind, init_fn,
    par_map, par_stateful_local, scope, worker_fn,
};

use crate::util::{
    Count, Gate, Way, counted, each_pulling_way, each_way, eventually, settle, stalled, watched,
};

/// A handle for code that is made before its run.
#[derive(Clone, Default)]
struct Late(Arc<OnceLock<CancelHandle>>);

impl Late {
    fn set(&self, handle: CancelHandle) {
        assert!(self.0.set(handle).is_ok());
    }

    /// Aborts, once there is a handle.
    fn abort(&self) {
        eventually("the handle is there", || self.0.get().is_some());
        self.0.get().unwrap().abort();
    }
}

/// What a run has yielded: how many are finished and how many aborted, of the items `0..` that were pulled.
#[track_caller]
fn accounted(results: &[(usize, Result<(), TaskError>)], pulled: usize, way: Way) -> [usize; 2] {
    let mut indices: Vec<_> = results.iter().map(|(index, _)| *index).collect();
    if !way.ordered {
        indices.sort_unstable();
    }
    assert!(indices.iter().copied().eq(0..pulled), "{pulled} pulled, {indices:?}: {way:?}");
    let aborted = results.iter().filter(|(_, result)| match result {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error.kind(), TaskErrorKind::Aborted, "{error}: {way:?}");
            true
        }
    });
    let aborted = aborted.count();
    [results.len() - aborted, aborted]
}

/// A source without an end, whose hint asks nobody to reserve for as many.
fn endless() -> impl Iterator<Item = usize> {
    (0..).take_while(|_| true)
}

/// An item with its index, as a success or as an error.
fn seen(result: Result<usize, TaskError>) -> (usize, Result<(), TaskError>) {
    match result {
        Ok(index) => (index, Ok(())),
        Err(error) => (error.index().expect("each is of an item"), Err(error)),
    }
}

#[test]
fn each_item_in_flight_yields_one_and_what_is_in_progress_finishes() {
    watched(|| {
        let mut unfinished = 0;
        for taken in [0, 1, 5] {
            each_way!(|start, way| {
                let (gate, finished) = (Gate::default(), Count::default());
                let (source, pulled) = counted(endless());
                let spec = {
                    let (gate, finished) = (gate.clone(), finished.clone());
                    worker_fn(move |x: usize| {
                        if x >= 5 {
                            gate.pass();
                        }
                        finished.add();
                        x
                    })
                };
                let mut run = start(source, spec.times(3)).max_in_flight(20).start();
                let mut results: Vec<_> = run.by_ref().take(taken).map(seen).collect();
                let handle = run.cancel_handle();
                let aborter = {
                    let gate = gate.clone();
                    thread::spawn(move || {
                        // The consumer sleeps by now.
                        gate.wait_for(1);
                        settle();
                        handle.abort();
                        settle();
                        gate.open();
                    })
                };
                while let Some(result) = run.next() {
                    results.push(seen(result));
                    if handle_is_done(&run) {
                        let left = pulled.get() - results.len();
                        assert_eq!(run.size_hint(), (left, Some(left)), "{way:?}");
                    }
                }
                let [done, aborted] = accounted(&results, pulled.get(), way);
                assert_eq!(done, finished.get(), "what is finished is yielded as it is: {way:?}");
                assert!(done >= 5, "{done}, {aborted}: {way:?}");
                // Unless all that was pulled was in progress.
                unfinished += aborted;
                assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
                let stats = run.stats();
                assert_eq!((stats.yielded, stats.errors), (results.len(), aborted), "{way:?}");
                aborter.join().unwrap();
            });
        }
        assert!(unfinished > 0);
    });
}

/// An item that was aborted has been yielded, so that it is known how many there are.
fn handle_is_done<R: mtask::iter::RunInfo>(run: &R) -> bool {
    run.stats().errors > 0
}

#[test]
fn what_takes_longer_than_the_shutdown_timeout_is_aborted_and_says_who_has_it() {
    watched(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let (source, pulled) = counted(endless());
            let at_gate = gate.clone();
            let spec = worker_fn(move |x: usize| {
                at_gate.pass();
                x
            });
            let run = start(source, spec.times(2)).max_in_flight(8);
            let mut run = run.shutdown_timeout(Duration::from_millis(20)).start();
            let handle = run.cancel_handle();
            let aborter = {
                let gate = gate.clone();
                thread::spawn(move || {
                    gate.wait_for(2);
                    handle.abort();
                })
            };
            let errors: Vec<_> = run.by_ref().map(Result::unwrap_err).collect();
            aborter.join().unwrap();
            assert!(!gate.is_open(), "{way:?}");
            assert_eq!(errors.len(), pulled.get(), "{way:?}");
            let begun: Vec<_> = errors.iter().filter(|error| error.attempts() > 0).collect();
            assert_eq!(begun.len(), 2, "{way:?}");
            for error in &errors {
                assert_eq!(error.kind(), TaskErrorKind::Aborted);
                let index = error.index().unwrap();
                let text = match error.worker() {
                    Some(worker) => format!(
                        "item {index}: worker {worker} had not finished it when the run was aborted"
                    ),
                    None => format!("item {index}: the run was aborted before it was begun"),
                };
                assert_eq!(error.to_string(), text);
                assert_eq!(error.attempts(), usize::from(error.worker().is_some()));
            }
            assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
            // A scope waits for those that were left.
            gate.open();
        });
    });
}

#[test]
fn from_inside_a_worker_nothing_more_is_begun() {
    watched(|| {
        for at in [0, 1, 100, 5_000] {
            each_way!(|start, way| {
                let (late, begun) = (Late::default(), Count::default());
                let (source, pulled) = counted(endless());
                let spec = {
                    let (late, begun) = (late.clone(), begun.clone());
                    worker_fn(move |x: usize| {
                        begun.add();
                        if x == at {
                            late.abort();
                        }
                        x
                    })
                };
                let mut run = start(source, spec.times(1));
                late.set(run.cancel_handle());
                let results: Vec<_> = run.by_ref().map(seen).collect();
                let [done, _] = accounted(&results, pulled.get(), way);
                assert_eq!((begun.get(), done), (at + 1, at + 1), "{way:?}");
                assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
            });
        }
    });
}

#[test]
fn from_inside_the_source_nothing_more_is_pulled() {
    watched(|| {
        for at in [0usize, 1, 100, 5_000] {
            for workers in [1, 3] {
                each_way!(|start, way| {
                    let late = Late::default();
                    let aborts = late.clone();
                    let (source, pulled) = counted(endless().inspect(move |&x| {
                        if x == at {
                            aborts.abort();
                        }
                    }));
                    let mut run = start(source, worker_fn(|x: usize| x).times(workers));
                    late.set(run.cancel_handle());
                    let results: Vec<_> = run.by_ref().map(seen).collect();
                    accounted(&results, pulled.get(), way);
                    assert_eq!(pulled.get(), at + 1, "{workers} workers: {way:?}");
                    assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
                });
            }
        }
    });
}

#[test]
fn while_the_consumer_is_elsewhere_workers_stop_all_the_same() {
    watched(|| {
        each_way!(|start, way| {
            let begun = Count::default();
            let counted_begun = begun.clone();
            let (source, pulled) = counted(0usize..1_000_000);
            let spec = worker_fn(move |x: usize| {
                counted_begun.add();
                thread::sleep(Duration::from_micros(50));
                x
            });
            let run = start(source, spec.times(2)).unbounded();
            let mut run = run.start();
            let mut results = vec![seen(run.next().unwrap())];
            run.cancel_handle().abort();
            // Each may have been on the way into one.
            settle();
            let seen_begun = begun.get();
            settle();
            assert_eq!(begun.get(), seen_begun, "{way:?}");
            results.extend(run.by_ref().map(seen));
            let [done, _] = accounted(&results, pulled.get(), way);
            assert_eq!(done, begun.get(), "{way:?}");
        });
    });
}

#[test]
fn a_second_one_or_one_after_a_cancel_does_no_harm() {
    watched(|| {
        for cancels in [false, true] {
            each_way!(|start, way| {
                let gate = Gate::default();
                let at_gate = gate.clone();
                let (source, pulled) = counted(endless());
                let spec = worker_fn(move |x: usize| {
                    at_gate.pass();
                    x
                });
                let mut run = start(source, spec.times(2)).max_in_flight(8).start();
                gate.wait_for(1);
                let handle = run.cancel_handle();
                if cancels {
                    handle.cancel();
                }
                handle.abort();
                handle.abort();
                handle.cancel();
                assert!(handle.is_aborted() && handle.is_cancelled());
                gate.open();
                let results: Vec<_> = run.by_ref().map(seen).collect();
                let [_, aborted] = accounted(&results, pulled.get(), way);
                let ended = if aborted > 0 { Ended::Aborted } else { Ended::Cancelled };
                assert_eq!(run.ended(), Some(ended), "{way:?}");
                assert!(run.next().is_none(), "{way:?}");
            });
        }
    });
}

#[test]
fn before_the_start_nothing_is_pulled_and_after_the_end_nothing_changes() {
    watched(|| {
        for eager in [false, true] {
            each_way!(|start, way| {
                let builds = Count::default();
                let (source, pulled) = counted(0usize..9);
                let built = builds.clone();
                let spec = init_fn(move || {
                    built.add();
                    Ok::<_, String>(|x: usize| x)
                });
                let run = start(source, spec.times(2));
                let handle = run.cancel_handle();
                handle.abort();
                assert_eq!(run.len(), 0, "{way:?}");
                let mut run = if eager { run.start() } else { run };
                assert!(run.next().is_none(), "{way:?}");
                assert_eq!((pulled.get(), builds.get()), (0, 0), "{way:?}");
                assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
            });
        }
        each_way!(|start, way| {
            let mut run = start(0usize..9, worker_fn(|x: usize| x).times(2));
            let handle = run.cancel_handle();
            assert_eq!(run.by_ref().filter(Result::is_ok).count(), 9);
            handle.abort();
            assert!(run.next().is_none());
            assert_eq!(run.ended(), Some(Ended::Complete), "{way:?}");
        });
    });
}

#[test]
fn where_all_was_finished_the_run_is_complete() {
    watched(|| {
        each_way!(|start, way| {
            let finished = Count::default();
            let counted = finished.clone();
            // No length that would tell.
            let source = (0usize..9).filter(|_| true);
            let spec = worker_fn(move |x: usize| {
                counted.add();
                x
            });
            let mut run = start(source, spec.times(1)).start();
            assert!(run.next().unwrap().is_ok());
            if way.start != "par_stateful_local" {
                eventually("all is finished", || finished.get() == 9);
                // And the source has been asked once more.
                settle();
            } else {
                assert_eq!(run.by_ref().take(8).filter(Result::is_ok).count(), 8);
            }
            run.cancel_handle().abort();
            assert!(run.by_ref().all(|result| result.is_ok()), "{way:?}");
            let ended = run.ended().unwrap();
            // Who pulls its source itself may not have come to its end.
            let is_local = way.start == "par_stateful_local";
            assert!(ended == Ended::Complete || is_local && ended == Ended::Aborted, "{way:?}");
        });
    });
}

#[test]
fn a_pause_before_the_next_attempt_ends_and_the_last_error_is_the_items() {
    watched(|| {
        each_way!(|start, way| {
            let calls = Count::default();
            let counted = calls.clone();
            let spec = worker_fn(move |_: usize| -> usize {
                counted.add();
                panic!("not yet");
            });
            let hour = Duration::from_secs(3_600);
            let run = start(0usize..1, spec.times(1)).retry(Retry::times(9).delay(hour));
            let mut run = run.start();
            eventually("it waits", || {
                run.stats().workers[0].state == mtask::WorkerState::Waiting && calls.get() == 1
            });
            run.cancel_handle().abort();
            let error = run.next().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (TaskErrorKind::Panicked, 1), "{way:?}");
            assert!(run.next().is_none());
            assert_eq!(calls.get(), 1, "{way:?}");
        });
    });
}

#[test]
fn an_attempt_in_progress_is_counted() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let calls = Count::default();
        let (at_gate, counted) = (gate.clone(), calls.clone());
        let call = move |x: usize| {
            if counted.add() < 2 {
                panic!("not yet");
            }
            at_gate.pass();
            x
        };
        let run = par_map(0usize..1, 1, call).retries(5);
        let mut run = run.shutdown_timeout(Duration::from_millis(10)).start();
        gate.wait_for(1);
        run.cancel_handle().abort();
        let error = run.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (TaskErrorKind::Aborted, 3));
        assert_eq!(error.worker(), Some(0));
    });
}

#[test]
fn a_build_in_progress_is_no_attempt() {
    watched(|| {
        for build_now in [false, true] {
            each_way!(|start, way| {
                let gate = Gate::default();
                let at_gate = gate.clone();
                let (source, pulled) = counted(0usize..9);
                let spec = init_fn(move || {
                    at_gate.pass();
                    Ok::<_, String>(|x: usize| x)
                });
                let run = start(source, spec.times(2)).shutdown_timeout(Duration::from_millis(10));
                let run = if build_now { run.build_now() } else { run };
                let mut run = run.start();
                gate.wait_for(1);
                run.cancel_handle().abort();
                let errors: Vec<_> = run.by_ref().map(Result::unwrap_err).collect();
                assert!(errors.iter().all(|error| error.attempts() == 0), "{way:?}");
                assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::Aborted));
                assert_eq!(errors.len(), pulled.get(), "{way:?}");
                assert_eq!(pulled.get() == 0, build_now, "{way:?}");
                assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
                gate.open();
            });
        }
    });
}

#[test]
fn a_pause_between_builds_ends_and_none_is_begun() {
    watched(|| {
        each_way!(|start, way| {
            let builds = Count::default();
            let counted = builds.clone();
            let spec = init_fn(move || {
                counted.add();
                Err::<fn(usize) -> usize, _>("no device")
            });
            let hour = Retry::times(9).delay(Duration::from_secs(3_600));
            let mut run = start(0usize..9, spec.times(1)).build_retry(hour).start();
            eventually("a build has failed", || run.stats().failed_builds == 1);
            run.cancel_handle().abort();
            let kind = |it: Result<usize, TaskError>| it.unwrap_err().kind();
            assert!(run.by_ref().map(kind).all(|kind| kind == TaskErrorKind::Aborted));
            assert_eq!(builds.get(), 1, "{way:?}");
            assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
        });
    });
}

#[test]
fn everything_is_dropped_once() {
    watched(|| {
        for at in [0usize, 3, 40] {
            each_way!(|start, way| {
                let (alive, late) = (Count::default(), Late::default());
                let source = {
                    let alive = alive.clone();
                    endless().map(move |x| (x, alive.token()))
                };
                let spec = {
                    let late = late.clone();
                    worker_fn(move |(x, token): (usize, crate::util::Token)| {
                        if x == at {
                            late.abort();
                        }
                        token
                    })
                };
                let mut run = start(source, spec.times(3));
                late.set(run.cancel_handle());
                run.by_ref().for_each(drop);
                assert_eq!(alive.get(), 0, "{way:?}");
            });
        }
    });
}

#[test]
fn a_dropped_run_was_aborted_before() {
    watched(|| {
        each_way!(|start, way| {
            let mut run = start(endless(), worker_fn(|x: usize| x).times(2));
            assert!(run.next().is_some());
            let handle = run.cancel_handle();
            handle.abort();
            drop(run);
            assert_eq!(handle.ended(), Some(Ended::Aborted), "{way:?}");
        });
    });
}

#[test]
fn a_pool_can_be_used_after_a_map_was_aborted() {
    watched(|| {
        let gate = Gate::default();
        let at_gate = gate.clone();
        let spec = worker_fn(move |x: usize| {
            at_gate.pass();
            x
        });
        let mut pool = Pool::new(spec.times(2));
        let (source, pulled) = counted(endless());
        let map = pool.map(source).max_in_flight(8).shutdown_timeout(Duration::from_millis(5));
        let mut map = map.start();
        gate.wait_for(2);
        map.cancel_handle().abort();
        let errors: Vec<_> = map.by_ref().map(Result::unwrap_err).collect();
        assert!(errors.iter().map(|error| error.index().unwrap()).eq(0..pulled.get()));
        assert_eq!(map.ended(), Some(Ended::Aborted));
        drop(map);
        gate.open();
        assert!(pool.map(0..100).map(Result::unwrap).eq(0..100));
    });
}

#[test]
fn a_stage_in_the_source_ends_with_the_outer_run() {
    watched(|| {
        each_pulling_way!(|start, way| {
            let (gate, alive) = (Gate::default(), Count::default());
            let _open = gate.open_on_drop();
            let spec = {
                let alive = alive.clone();
                init_fn(move || {
                    let own = alive.token();
                    Ok::<_, String>(move |x: usize| {
                        let _ = &own;
                        x
                    })
                })
            };
            // The innermost source stands and nothing will move it.
            let inner = stalled(0usize..100, 7, &gate).par_stateful(spec.clone().times(2));
            let mut run = start(inner.propagate_panics(), spec.times(2));
            for _ in 0..7 {
                assert!(run.next().unwrap().is_ok());
            }
            gate.wait_for(1);
            run.cancel_handle().abort();
            assert!(run.next().is_none(), "{way:?}");
            assert_eq!(run.ended(), Some(Ended::Aborted));
            // One worker of the stage sits inside the source.
            eventually("the workers of all stages are gone", || alive.get() <= 1);
            assert!(!gate.is_open(), "{way:?}");
            gate.open();
        });
    });
}

#[test]
fn an_aborted_stage_is_an_item_for_item_source() {
    watched(|| {
        let late = Late::default();
        let aborts = late.clone();
        let inner = par_map(endless(), 2, move |x: usize| {
            if x == 50 {
                aborts.abort();
            }
            x
        });
        late.set(inner.cancel_handle());
        let outer = inner.par_map(2, |x: Result<usize, TaskError>| x.map_err(|error| error.kind()));
        let results: Vec<_> = outer.map(Result::unwrap).collect();
        let lost = results.iter().filter(|it| **it == Err(TaskErrorKind::Aborted)).count();
        assert_eq!(results.iter().filter(|it| it.is_ok()).count() + lost, results.len());
        assert!(results.len() > 50);
    });
}

#[test]
fn inline_the_item_in_progress_is_the_last() {
    watched(|| {
        let late = Late::default();
        let aborts = late.clone();
        let (source, pulled) = counted(endless());
        let call = move |x: usize| {
            if x == 3 {
                aborts.abort();
            }
            x
        };
        let mut run = par_stateful_local(source, [worker_fn(call)]).inline();
        late.set(run.cancel_handle());
        assert!(run.by_ref().map(Result::unwrap).eq(0..4));
        assert_eq!((run.ended(), pulled.get()), (Some(Ended::Aborted), 4));

        let mut run = par_map(0usize..9, 1, |x: usize| x).inline();
        run.cancel_handle().abort();
        assert!(run.next().is_none());
        assert_eq!(run.ended(), Some(Ended::Aborted));
    });
}

#[test]
fn behind_an_adaptor_it_is_the_same() {
    watched(|| {
        let make = |gate: &Gate| {
            let gate = gate.clone();
            let call = move |x: usize| {
                gate.pass();
                Ok::<_, String>(x)
            };
            par_map(endless(), 2, call).max_in_flight(8).shutdown_timeout(Duration::from_millis(5))
        };
        let gate = Gate::default();
        let mut run = make(&gate).flatten_errors().stop_on_error().start();
        gate.wait_for(1);
        run.cancel_handle().abort();
        assert_eq!(run.next().unwrap().unwrap_err().kind(), TaskErrorKind::Aborted);
        assert!(run.next().is_none());
        assert_eq!(run.ended(), Some(Ended::Aborted));
        gate.open();

        let gate = Gate::default();
        let mut run = make(&gate).flatten_errors().defer_errors().start();
        gate.wait_for(2); // each worker is at an item
        run.cancel_handle().abort();
        let errors = run.next().unwrap().unwrap_err();
        assert!(errors.count() >= 2);
        assert!(run.next().is_none());
        assert_eq!(run.ended(), Some(Ended::Aborted));
        gate.open();
    });
}

#[test]
fn in_a_scope_borrowed_items_are_accounted_for() {
    watched(|| {
        let words: Vec<String> = (0..100).map(|x| x.to_string()).collect();
        let late = Late::default();
        let results = scope(|s| {
            let call = |word: &String| {
                if word == "20" {
                    late.abort();
                }
                word.len()
            };
            let mut run = s.par_map(&words, 2, call).max_in_flight(10);
            late.set(run.cancel_handle());
            let results: Vec<_> = run.by_ref().collect();
            assert_eq!(run.ended(), Some(Ended::Aborted));
            results
        });
        assert!((21..100).contains(&results.len()));
        let lost = results.iter().filter_map(|it| it.as_ref().err());
        assert!(lost.map(TaskError::kind).all(|kind| kind == TaskErrorKind::Aborted));
    });
}

/// With everything at once, at any moment.
#[test]
fn at_any_moment_each_item_is_accounted_for() {
    watched(|| {
        for moment in 0..crate::util::runs(60) {
            each_way!(|start, way| {
                let (source, pulled) = counted(0usize..2_000);
                let mut run = start(source, worker_fn(|x: usize| x).times(2)).max_in_flight(64);
                let handle = run.cancel_handle();
                let aborter = thread::spawn(move || {
                    for _ in 0..moment * 40 {
                        std::hint::spin_loop();
                    }
                    handle.abort();
                });
                let results: Vec<_> = run.by_ref().map(seen).collect();
                aborter.join().unwrap();
                let [done, aborted] = accounted(&results, pulled.get(), way);
                let whole = aborted == 0 && done == 2_000;
                let ended = if whole { Ended::Complete } else { Ended::Aborted };
                assert_eq!(run.ended(), Some(ended), "{way:?}");
            });
        }
    });
}

#[cfg(feature = "tracing")]
#[test]
fn it_is_an_event_and_the_word_of_the_end() {
    use crate::collector::Collector;

    watched(|| {
        let collector = Collector::default();
        collector.hear(|| {
            let mut run = mtask::par_stateful(endless(), worker_fn(|x: usize| x).times(1));
            assert!(run.next().is_some());
            let handle = run.cancel_handle();
            handle.abort();
            handle.abort();
            run.for_each(drop);
        });
        assert_eq!(collector.events("run aborted").len(), 1);
        let [finished] = &collector.events("run finished")[..] else { panic!("one end") };
        assert_eq!(finished.get("ended"), Some("aborted"));
    });
}
