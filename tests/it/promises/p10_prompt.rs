//! 10. Prompt: a finished result that is next in order is never held back for the rest of its
//!     batch, for a source that blocks, or for a slow neighbour behind it.
//!
//! Gates stand for "slow": what has to come while a gate is closed comes, or the test fails.

use std::sync::{Arc, Mutex};

use mtask::{ParStatefulExt, Spec, init_fn, par_stateful, worker_fn};

use crate::util::{Count, Gate, each_pulling_way, each_way, eventually, settle, stalled, watched};

/// Batch sizes that are tried; `None` adapts.
const BATCHES: [Option<usize>; 4] = [None, Some(1), Some(4), Some(64)];

#[test]
fn results_come_while_the_source_blocks() {
    watched(|| {
        for workers in [1, 2, 4] {
            for batch in BATCHES {
                for before in [1, 2, 3, 10, 300] {
                    each_pulling_way!(|start, way| {
                        let gate = Gate::default();
                        let source = stalled(0..before + 20, before, &gate);
                        let mut results = start(source, worker_fn(|x: usize| x).times(workers));
                        if let Some(batch) = batch {
                            results = results.chunk_size(batch);
                        }
                        let _open = gate.open_on_drop();
                        let mut outputs: Vec<_> =
                            results.by_ref().take(before).map(Result::unwrap).collect();
                        assert!(!gate.is_open());
                        outputs.sort();
                        assert!(outputs.into_iter().eq(0..before), "{way:?}");
                        gate.open();
                        assert_eq!(results.count(), 20);
                    });
                }
            }
        }
    });
}

#[test]
fn results_come_while_a_later_item_takes_long() {
    watched(|| {
        for batch in BATCHES {
            for slow in [1, 2, 5, 30] {
                each_way!(|start, way| {
                    let gate = Gate::default();
                    let spec = {
                        let gate = gate.clone();
                        worker_fn(move |x: usize| {
                            if x == slow {
                                gate.pass();
                            }
                            x
                        })
                    };
                    let mut results = start(0..100usize, spec.times(2));
                    if let Some(batch) = batch {
                        results = results.chunk_size(batch);
                    }
                    let _open = gate.open_on_drop();
                    for x in 0..slow {
                        let y = results.next().unwrap().unwrap();
                        assert!(!way.ordered || x == y, "{way:?}");
                    }
                    gate.open();
                    assert_eq!(results.count(), 100 - slow);
                });
            }
        }
    });
}

#[test]
fn with_one_worker_a_result_does_not_wait_for_the_next_item() {
    watched(|| {
        for batch in BATCHES {
            each_pulling_way!(|start, way| {
                let gate = Gate::default();
                let spec = {
                    let gate = gate.clone();
                    worker_fn(move |x: usize| {
                        if x == 7 {
                            gate.pass();
                        }
                        x
                    })
                };
                let mut results = start(0..20usize, spec.times(1));
                if let Some(batch) = batch {
                    results = results.chunk_size(batch);
                }
                let _open = gate.open_on_drop();
                assert!(results.by_ref().take(7).map(Result::unwrap).eq(0..7), "{way:?}");
                assert!(!gate.is_open());
            });
        }
    });
}

#[test]
fn with_one_worker_it_is_pull_run_publish_pull() {
    watched(|| {
        for batch in BATCHES {
            each_pulling_way!(|start, way| {
                let events = Arc::new(Mutex::new(Vec::new()));
                let note = |what| {
                    let events = Arc::clone(&events);
                    move |x: usize| {
                        events.lock().unwrap().push((what, x));
                        x
                    }
                };
                let mut results =
                    start((0..30usize).map(note("pull")), worker_fn(note("run")).times(1));
                if let Some(batch) = batch {
                    results = results.chunk_size(batch);
                }
                assert_eq!(results.count(), 30);
                let wanted: Vec<_> = (0..30).flat_map(|x| [("pull", x), ("run", x)]).collect();
                assert_eq!(*events.lock().unwrap(), wanted, "{way:?}");
            });
        }
    });
}

#[test]
fn a_batch_behind_a_slow_item_is_run_by_the_others() {
    watched(|| {
        for batch in BATCHES {
            each_way!(|start, way| {
                let gate = Gate::default();
                let runs = Count::default();
                let spec = {
                    let (gate, runs) = (gate.clone(), runs.clone());
                    worker_fn(move |x: usize| {
                        if x == 3 {
                            gate.pass();
                        }
                        runs.add();
                        x
                    })
                };
                let mut results = start(0..40usize, spec.times(2)).max_in_flight(40);
                if let Some(batch) = batch {
                    results = results.chunk_size(batch);
                }
                if !way.ordered {
                    // Not one of them waits for the slow one.
                    let _open = gate.open_on_drop();
                    assert!(results.by_ref().take(39).all(|x| x.unwrap() != 3), "{way:?}");
                    gate.open();
                    assert_eq!(results.count(), 1);
                } else {
                    let opener = {
                        let gate = gate.clone();
                        std::thread::spawn(move || {
                            eventually("the others are run", || runs.get() == 39);
                            gate.open();
                        })
                    };
                    assert_eq!(results.count(), 40);
                    opener.join().unwrap();
                }
            });
        }
    });
}

#[test]
fn no_item_waits_while_its_puller_is_blocked_in_the_source() {
    watched(|| {
        // Where batches are larger than one item, a third worker runs what the puller has pulled.
        for (batch, workers) in [(Some(1), 2), (Some(1), 3), (None, 3), (Some(4), 3), (Some(64), 3)]
        {
            each_pulling_way!(|start, way| {
                let (slow, source_gate, runs) =
                    (Gate::default(), Gate::default(), Count::default());
                // One worker stands with the first item, the others pull and run what is there
                // before one asks a source that stands as well.
                let source = stalled(0..60usize, 20, &source_gate);
                let spec = {
                    let (slow, runs) = (slow.clone(), runs.clone());
                    worker_fn(move |x: usize| {
                        if x == 0 {
                            slow.pass();
                        }
                        runs.add();
                        x
                    })
                };
                let mut results = start(source, spec.times(workers)).max_in_flight(40);
                if let Some(batch) = batch {
                    results = results.chunk_size(batch);
                }
                let results = results.start();
                let _open = (slow.open_on_drop(), source_gate.open_on_drop());
                source_gate.wait_for(1);
                eventually("all that was pulled but the slow item is run", || runs.get() == 19);
                assert!(!slow.is_open() && !source_gate.is_open(), "{way:?}");
                slow.open();
                source_gate.open();
                assert_eq!(results.count(), 60);
            });
        }
    });
}

#[test]
fn a_worker_whose_neighbour_cannot_be_built_holds_nothing_back_either() {
    watched(|| {
        for batch in BATCHES {
            each_pulling_way!(|start, way| {
                // One worker has failed; the other is alone from then on, whatever its batch.
                let (gate, failed, failures) = (Gate::default(), Gate::default(), Count::default());
                let good = {
                    let failed = failed.clone();
                    init_fn(move || {
                        failed.pass();
                        Ok::<_, &str>((|x: usize| x) as fn(usize) -> usize)
                    })
                };
                let bad = {
                    let failed = failed.clone();
                    init_fn(move || {
                        if failures.add() == 0 {
                            failed.open();
                        }
                        Err::<fn(usize) -> usize, _>("no")
                    })
                };
                let source = stalled(0..60usize, 40, &gate).inspect(|&x| {
                    if x == 10 {
                        // A build has failed; its worker has yet to give its item back.
                        settle();
                    }
                });
                let mut results = start(source, [good.boxed(), bad.boxed()]);
                if let Some(batch) = batch {
                    results = results.chunk_size(batch);
                }
                let _open = gate.open_on_drop();
                assert!(results.by_ref().take(40).all(|it| it.is_ok()), "{way:?}");
                assert!(!gate.is_open());
            });
        }
    });
}

#[test]
fn results_pass_through_stages_while_the_source_blocks() {
    watched(|| {
        each_pulling_way!(|start, way| {
            let gate = Gate::default();
            let inner = stalled(0..20usize, 9, &gate).par_map(2, |x: usize| x).propagate_panics();
            let mut results = start(inner, worker_fn(|x: usize| x).times(2));
            let _open = gate.open_on_drop();
            assert_eq!(results.by_ref().take(9).filter(Result::is_ok).count(), 9, "{way:?}");
            assert!(!gate.is_open());
        });
    });
}

#[test]
fn an_error_comes_while_the_source_blocks() {
    watched(|| {
        each_pulling_way!(|start, way| {
            let gate = Gate::default();
            let source = stalled(0..20usize, 5, &gate);
            let spec = worker_fn(|x: usize| assert!(x != 4));
            let mut results = start(source, spec.times(2)).stop_on_error();
            let _open = gate.open_on_drop();
            assert!(results.by_ref().any(|result| result.is_err()), "{way:?}");
            assert!(results.next().is_none());
            assert!(!gate.is_open());
        });
    });
}

#[test]
fn inline_gives_each_result_before_the_next_pull() {
    let gate = Gate::default();
    let source = stalled(0..3usize, 1, &gate);
    let mut results = par_stateful(source, worker_fn(|x: usize| x).times(2)).inline();
    assert_eq!(results.next().unwrap().unwrap(), 0);
    assert_eq!(gate.came(), 0);
}
