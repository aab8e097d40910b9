//! 8. Dropping the iterator early cancels: nothing more is pulled, what is in hand finishes,
//!    results nobody took are dropped, and every thread is joined but one inside the source.
//!    Leaving a scope waits for everything.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use mtask::{ParStatefulExt, Spec, init_fn, par_map, par_stateful, scope, worker_fn};

use crate::util::{
    Count, Gate, counted, each_pulling_way, each_way, eventually, settle, stalled, watched,
};

#[test]
fn nothing_more_is_pulled_after_a_drop() {
    watched(|| {
        for taken in [0, 1, 2, 17] {
            each_way!(|start, way| {
                let (source, pulled) = counted(0usize..);
                let mut results = start(source, worker_fn(|x: usize| x).times(3));
                for _ in 0..taken {
                    assert!(results.next().is_some());
                }
                drop(results);
                let seen = pulled.get();
                settle();
                assert_eq!(pulled.get(), seen, "{way:?}");
            });
        }
    });
}

#[test]
fn items_outputs_workers_and_source_are_gone_after_a_drop() {
    watched(|| {
        for taken in [0, 1, 2, 17] {
            for workers in [1, 2, 4] {
                each_way!(|start, way| {
                    let alive = Count::default();
                    let source = {
                        let token = alive.token();
                        (0usize..).map(move |x| (x, token.clone()))
                    };
                    let spec = {
                        let alive = alive.clone();
                        init_fn(move || {
                            let own = alive.token();
                            Ok::<_, String>(move |(x, token): (usize, crate::util::Token)| {
                                let _ = &own;
                                (x, token)
                            })
                        })
                    };
                    let mut results = start(source, spec.times(workers)).start();
                    for _ in 0..taken {
                        assert!(results.next().unwrap().is_ok());
                    }
                    drop(results);
                    assert_eq!(alive.get(), 0, "{taken} taken, {workers} workers: {way:?}");
                });
            }
        }
    });
}

#[test]
fn the_item_in_hand_finishes_before_the_drop_returns() {
    watched(|| {
        each_way!(|start, way| {
            let (gate, finished) = (Gate::default(), Count::default());
            let spec = {
                let (gate, finished) = (gate.clone(), finished.clone());
                worker_fn(move |x: usize| {
                    if x > 0 {
                        gate.pass();
                        finished.add();
                    } else {
                        // Time for a consumer that pulls to fill the window.
                        settle();
                    }
                    x
                })
            };
            let mut results = start(0usize.., spec.times(3)).max_in_flight(10);
            assert_eq!(results.next().unwrap().unwrap(), 0, "{way:?}");
            gate.wait_for(1);
            let opener = open_later(&gate);
            drop(results);
            assert!(gate.is_open(), "the drop did not wait: {way:?}");
            assert_eq!(finished.get(), gate.came(), "{way:?}");
            assert!(finished.get() <= 3, "only what was in hand is run: {way:?}");
            opener.join().unwrap();
        });
    });
}

#[test]
fn a_build_in_hand_finishes_before_the_drop_returns() {
    watched(|| {
        each_way!(|start, way| {
            let (gate, alive, builds) = (Gate::default(), Count::default(), Count::default());
            let spec = {
                let (gate, alive, builds) = (gate.clone(), alive.clone(), builds.clone());
                init_fn(move || {
                    if builds.add() > 0 {
                        gate.pass();
                    }
                    let token = alive.token();
                    Ok::<_, String>(move |x: usize| {
                        let _ = &token;
                        x
                    })
                })
            };
            let mut results = start(0usize.., spec.times(2)).unordered();
            while gate.came() == 0 {
                assert!(results.next().unwrap().is_ok());
            }
            let opener = open_later(&gate);
            drop(results);
            assert!(gate.is_open(), "the drop did not wait: {way:?}");
            assert_eq!((builds.get(), alive.get()), (2, 0), "built, and dropped: {way:?}");
            opener.join().unwrap();
        });
    });
}

#[test]
fn a_destructor_in_hand_finishes_before_the_drop_returns() {
    /// Stands at a gate when it is dropped.
    struct SlowToDrop(Gate);
    impl Drop for SlowToDrop {
        fn drop(&mut self) {
            self.0.pass();
        }
    }

    watched(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let spec = {
                let gate = gate.clone();
                init_fn(move || {
                    let slow = SlowToDrop(gate.clone());
                    Ok::<_, String>(move |x: usize| {
                        let _ = &slow;
                        x
                    })
                })
            };
            let mut results = start(0usize.., spec.times(2));
            assert!(results.next().is_some());
            let opener = open_later(&gate);
            drop(results);
            assert!(gate.is_open(), "the drop did not wait: {way:?}");
            opener.join().unwrap();
        });
    });
}

#[test]
fn a_thread_inside_the_source_is_left() {
    watched(|| {
        for ordered in [true, false] {
            for workers in [1, 3] {
                for taken in [0, 5] {
                    let (gate, alive) = (Gate::default(), Count::default());
                    let source = {
                        let (token, own) = (alive.token(), alive.token());
                        stalled(0..100usize, taken, &gate).map(move |x| {
                            let _ = &own;
                            (x, token.clone())
                        })
                    };
                    let spec = {
                        let alive = alive.clone();
                        init_fn(move || {
                            let own = alive.token();
                            Ok::<_, String>(move |item: (usize, crate::util::Token)| {
                                let _ = &own;
                                item.0
                            })
                        })
                    };
                    let results = par_stateful(source, spec.times(workers));
                    let mut results = if ordered { results } else { results.unordered() }.start();
                    let _open = gate.open_on_drop();
                    for _ in 0..taken {
                        assert!(results.next().unwrap().is_ok());
                    }
                    gate.wait_for(1);
                    drop(results);
                    assert!(!gate.is_open(), "the drop waited for the source");
                    assert!(alive.get() > 0, "the source is still at its call");
                    gate.open();
                    eventually("the source, its item and the last worker are dropped", || {
                        alive.get() == 0
                    });
                }
            }
        }
    });
}

#[test]
fn a_stage_used_as_a_source_is_cancelled_with_the_outer_run() {
    watched(|| {
        each_pulling_way!(|start, way| {
            // The innermost source stands and nothing will move it: the stages alone end.
            let (gate, alive) = (Gate::default(), Count::default());
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
            let first = stalled(0..100usize, 7, &gate).par_stateful(spec.clone().times(3));
            let second = first.propagate_panics().peekable().par_stateful(spec.clone().times(2));
            let third = second.map(Result::unwrap).filter(|_| true);
            let mut results = start(third, spec.times(2)).unordered();
            let _open = gate.open_on_drop();
            for _ in 0..7 {
                assert!(results.next().unwrap().is_ok());
            }
            gate.wait_for(1);
            drop(results);
            // One worker of the first stage sits inside the source, and is not built again.
            eventually("the workers of all stages are gone", || alive.get() <= 1);
            assert!(!gate.is_open(), "{way:?}");
            gate.open();
            eventually("the last one is gone too", || alive.get() == 0);
        });
    });
}

#[test]
fn an_endless_stage_is_cancelled_with_the_outer_run() {
    watched(|| {
        each_way!(|start, way| {
            let (source, pulled) = counted(0usize..);
            let alive = Count::default();
            let token = alive.token();
            let inner = par_map(source, 3, move |x: usize| {
                let _ = &token;
                x
            });
            let mut results = start(inner.propagate_panics(), worker_fn(|x: usize| x).times(2));
            for x in 0..20 {
                let y = results.next().unwrap().unwrap();
                assert!(!way.ordered || x == y, "{way:?}");
            }
            drop(results);
            eventually("the workers of the stage are gone", || alive.get() == 0);
            let seen = pulled.get();
            settle();
            assert_eq!(pulled.get(), seen, "{way:?}");
        });
    });
}

#[test]
fn a_run_made_and_used_up_within_one_pull_is_no_stage() {
    watched(|| {
        // Cancelling it would make the item wrong that the source is at work on.
        each_pulling_way!(|start, way| {
            let (gate, sums) = (Gate::default(), Count::default());
            let source = {
                let (gate, sums) = (gate.clone(), sums.clone());
                (0..10usize).map(move |x| {
                    let gate = gate.clone();
                    let sum: usize = par_map(0..10usize, 2, move |y| {
                        if x == 3 && y == 5 {
                            gate.pass();
                        }
                        y
                    })
                    .propagate_panics()
                    .sum();
                    assert_eq!(sum, 45);
                    sums.add();
                    sum
                })
            };
            let mut results = start(source, worker_fn(|x: usize| x).times(1));
            for _ in 0..3 {
                assert_eq!(results.next().unwrap().unwrap(), 45);
            }
            gate.wait_for(1);
            drop(results);
            gate.open();
            eventually("the source has its sum", || sums.get() >= 4);
            settle();
            assert_eq!(sums.get(), 4, "and is not asked again: {way:?}");
        });
    });
}

#[test]
fn leaving_a_scope_waits_for_everything() {
    watched(|| {
        let (gate, alive, returned) = (Gate::default(), Count::default(), Count::default());
        let numbers: Vec<usize> = (0..100).collect();
        let opener = scope(|s| {
            let source = stalled(&numbers, 5, &gate).inspect(|&&x| {
                if x == 5 {
                    returned.add();
                }
            });
            let spec = init_fn(|| {
                let own = alive.token();
                Ok::<_, String>(move |x: &usize| {
                    let _ = &own;
                    *x
                })
            });
            let mut results = s.par_stateful(source, spec.times(2));
            assert!(results.by_ref().take(5).map(Result::unwrap).eq(0..5));
            gate.wait_for(1);
            drop(results);
            // The iterator is gone, and a thread still sits inside the borrowed source.
            assert!(!gate.is_open());
            open_later(&gate)
        });
        assert!(gate.is_open());
        assert_eq!((returned.get(), alive.get()), (1, 0));
        opener.join().unwrap();
    });
}

#[test]
fn leaving_a_scope_ends_an_iterator_that_was_forgotten() {
    watched(|| {
        for ordered in [true, false] {
            for taken in [0, 1, 30] {
                let (alive, pulled) = (Count::default(), Count::default());
                let numbers: Vec<usize> = (0..1_000).collect();
                scope(|s| {
                    let source = numbers.iter().cycle().inspect(|_| {
                        pulled.add();
                    });
                    let spec = init_fn(|| {
                        let own = alive.token();
                        Ok::<_, String>(move |x: &usize| {
                            let _ = &own;
                            *x
                        })
                    });
                    let results = s.par_stateful(source, spec.times(3));
                    let mut results = if ordered { results } else { results.unordered() }.start();
                    for _ in 0..taken {
                        assert!(results.next().unwrap().is_ok());
                    }
                    mem::forget(results);
                });
                assert_eq!(alive.get(), 0, "the workers are gone");
                let seen = pulled.get();
                settle();
                assert_eq!(pulled.get(), seen, "nothing more is pulled");
            }
        }
    });
}

#[test]
fn leaving_a_scope_ends_a_forgotten_iterator_whose_stage_has_yet_to_start() {
    watched(|| {
        let (gate, numbers) = (Gate::default(), vec![1usize; 1_000]);
        let opener = scope(|s| {
            let mut inner = s.par_map(&numbers, 2, |x: &usize| *x).propagate_panics();
            // A worker of the outer run starts the stage, once the scope has been left.
            let at_gate = &gate;
            let source = std::iter::from_fn(move || {
                at_gate.pass();
                inner.next()
            });
            mem::forget(s.par_map(source, 2, |x: usize| x).start());
            gate.wait_for(1);
            open_later(&gate)
        });
        opener.join().unwrap();
    });
}

#[test]
fn leaving_a_scope_ends_a_run_that_a_worker_starts_later_and_forgets() {
    fn start_and_forget(gate: &Gate, mut run: impl Iterator) {
        gate.pass();
        run.next();
        mem::forget(run);
    }

    watched(|| {
        let (gate, numbers) = (Gate::default(), vec![1usize; 1_000]);
        let opener = scope(|s| {
            let at_gate = &gate;
            let inner = s.par_map(&numbers, 2, |x: &usize| *x);
            let specs = worker_fn(move |run| start_and_forget(at_gate, run)).times(1);
            mem::forget(s.par_stateful([inner], specs).start());
            gate.wait_for(1);
            open_later(&gate)
        });
        opener.join().unwrap();
    });
}

#[test]
fn leaving_a_scope_cancels_the_stage_of_a_forgotten_iterator() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        scope(|s| {
            // Nothing moves this source; the stage needs no scope.
            let inner = stalled(0..10usize, 3, &gate).par_map(2, |x: usize| x);
            let mut outer = s.par_map(inner.propagate_panics(), 2, |x: usize| x);
            assert!(outer.by_ref().take(3).map(Result::unwrap).eq(0..3));
            gate.wait_for(1);
            mem::forget(outer);
        });
        assert!(!gate.is_open(), "the scope waited for the stage's own source");
    });
}

#[test]
fn a_panic_in_a_scope_ends_its_runs_first() {
    watched(|| {
        let (alive, numbers) = (Count::default(), vec![1usize; 100]);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let spec = init_fn(|| {
                    let own = alive.token();
                    Ok::<_, String>(move |x: &usize| {
                        let _ = &own;
                        *x
                    })
                });
                let mut results = s.par_stateful(numbers.iter().cycle(), spec.times(3));
                assert!(results.next().is_some());
                mem::forget(results);
                panic!("the scope's own code breaks");
            })
        }));
        let payload = outcome.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"the scope's own code breaks"));
        assert_eq!(alive.get(), 0);
    });
}

#[test]
fn dropping_after_the_end_or_before_the_start_does_nothing() {
    watched(|| {
        each_way!(|start, way| {
            let (source, pulled) = counted(0..10usize);
            drop(start(source, worker_fn(|x: usize| x).times(2)));
            assert_eq!(pulled.get(), 0, "{way:?}");
        });
        each_way!(|start, way| {
            let mut results = start(0..10usize, worker_fn(|x: usize| x).times(2));
            assert_eq!(results.by_ref().count(), 10, "{way:?}");
            drop(results);
        });
    });
}

#[test]
fn a_failure_under_stop_on_error_stops_all_further_claims() {
    watched(|| {
        each_way!(|start, way| {
            let (alive, runs) = (Count::default(), Count::default());
            let spec = {
                let (alive, runs) = (alive.clone(), runs.clone());
                init_fn(move || {
                    let (own, runs) = (alive.token(), runs.clone());
                    Ok::<_, String>(move |x: usize| {
                        let _ = &own;
                        runs.add();
                        if x == 5 { Err("no") } else { Ok(x) }
                    })
                })
            };
            let results = start(0..100_000usize, spec.times(3)).unbounded();
            let mut results = results.flatten_errors().stop_on_error();
            let first = results.next().expect("there are items");
            // The consumer does not come for the error: the worker's failure is enough.
            let mut seen = 0;
            eventually("the workers have come to rest", || {
                settle();
                mem::replace(&mut seen, runs.get()) == runs.get()
            });
            assert!(seen < 50_000, "the backlog was run: {seen} items, {way:?}");
            assert!(first.is_err() || results.any(|result| result.is_err()));
            assert_eq!(alive.get(), 0, "the workers are gone at the error: {way:?}");
            assert!(results.next().is_none());
        });
    });
}

#[cfg(target_os = "linux")]
#[test]
fn every_thread_is_joined() {
    use crate::util::process::{alone, threads, wait_for_threads};

    alone(|| {
        let before = threads();
        for taken in [0, 1, 2, 40] {
            each_way!(|start, way| {
                let mut results = start(0usize.., worker_fn(|x: usize| x).times(4)).start();
                assert_eq!(threads(), before + 4, "{way:?}");
                for _ in 0..taken {
                    assert!(results.next().is_some());
                }
                drop(results);
                wait_for_threads(before);
            });
        }
        // The thread inside the source is left, and ends when the source lets it go.
        let gate = Gate::default();
        let mut results = par_map(stalled(0..100usize, 3, &gate), 4, |x: usize| x);
        assert_eq!(results.by_ref().take(3).count(), 3);
        gate.wait_for(1);
        drop(results);
        wait_for_threads(before + 1);
        gate.open();
        wait_for_threads(before);
    });
}

#[test]
fn a_source_that_returns_soon_is_waited_for() {
    watched(|| {
        // The grace is 10 ms; a machine that is busy may take longer to return than that, so that
        // one success in many tries is what can be asked for.
        let waited = (0..100).any(|_| {
            let (inside, alive) = (Gate::default(), Count::default());
            let source = {
                let (inside, own) = (inside.clone(), alive.token());
                (0..100usize).inspect(move |&x| {
                    let _ = &own;
                    if x == 1 {
                        inside.open();
                        thread::sleep(Duration::from_millis(3));
                    }
                })
            };
            let mut results = par_map(source, 1, |x: usize| x);
            assert!(results.next().is_some());
            inside.pass();
            drop(results);
            alive.get() == 0
        });
        assert!(waited, "the thread inside the source got no time at all");
    });
}

#[test]
fn a_source_that_does_not_return_is_not_waited_for_long() {
    watched(|| {
        let gate = Gate::default();
        let mut results = par_map(stalled(0..10usize, 1, &gate), 2, |x: usize| x);
        assert!(results.next().is_some());
        gate.wait_for(1);
        let start = Instant::now();
        drop(results);
        let took = start.elapsed();
        gate.open();
        assert!(took < Duration::from_secs(5), "10 ms were promised, and {took:?} taken");
    });
}

/// Opens a gate after a while, from a thread of its own.
fn open_later(gate: &Gate) -> thread::JoinHandle<()> {
    let gate = gate.clone();
    thread::spawn(move || {
        settle();
        gate.open();
    })
}
