//! 12. Nested use works, without deadlock: rayon called by a worker adds no threads; a nested
//!     mtask adds one thread a spec.

use std::time::Duration;

use mtask::{Pool, Spec, par_map, par_stateful, worker_fn};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::util::{Count, each_way, watched_for};

/// Fresh runs, since a deadlock would hide in how a run's threads start.
const ROUNDS: usize = 3_000;

fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = rayon::join(|| fibonacci(n - 1), || fibonacci(n - 2));
    a + b
}

#[test]
fn a_panic_in_a_spawned_job_is_counted_and_costs_no_item() {
    fn spawns(x: u32) -> u32 {
        if x % 2 == 0 {
            rayon::spawn(move || panic!("job {x}"));
        }
        x
    }
    watched_for(Duration::from_secs(60), || {
        each_way!(|start, way| {
            let mut results = start(0..10u32, worker_fn(spawns).times(2));
            assert_eq!(results.by_ref().filter(Result::is_ok).count(), 10, "{way:?}");
            // The threads have been joined, and have run what was spawned before they ended.
            assert_eq!(results.stats().spawned_panics, 5, "{way:?}");
        });
        // A pool's threads may come to the job in a later map, or at the end.
        let mut pool = Pool::new(worker_fn(spawns).times(2));
        for _ in 0..3 {
            assert_eq!(pool.map(0..10).filter(Result::is_ok).count(), 10);
        }
    });
}

#[test]
fn join_in_a_worker_does_not_deadlock() {
    watched_for(Duration::from_secs(180), || {
        for round in 0..ROUNDS {
            let workers = 2 + round % 3;
            let outputs = par_map(0..8u64, workers, |x: u64| fibonacci(3 + x % 4));
            let outputs: Vec<_> = outputs.propagate_panics().collect();
            assert_eq!(outputs, [2, 3, 5, 8, 2, 3, 5, 8], "round {round}");
        }
    });
}

#[test]
fn parallel_iterators_in_a_worker_do_not_deadlock() {
    watched_for(Duration::from_secs(180), || {
        for round in 0..ROUNDS / 10 {
            each_way!(|start, way| {
                let spec = worker_fn(|x: u32| (0..x).into_par_iter().map(u64::from).sum::<u64>());
                let results = start(0..20u32, spec.times(1 + round % 4));
                let sum: u64 = results.map(Result::unwrap).sum();
                assert_eq!(sum, 1_140, "round {round}, {way:?}");
            });
        }
    });
}

#[test]
fn rayon_scopes_and_early_drops_do_not_deadlock() {
    watched_for(Duration::from_secs(180), || {
        for round in 0..ROUNDS / 3 {
            let mut results = par_map(0..64u32, 3, |x: u32| {
                let mut halves = [0, 0];
                let [a, b] = &mut halves;
                rayon::scope(|s| {
                    s.spawn(|_| *a = x / 2);
                    s.spawn(|_| *b = x - x / 2);
                });
                halves.iter().sum::<u32>()
            });
            for x in 0..round % 7 {
                assert_eq!(results.next().unwrap().unwrap() as usize, x);
            }
        }
    });
}

#[test]
fn a_job_that_a_worker_spawned_is_run_though_its_run_is_dropped() {
    watched_for(Duration::from_secs(180), || {
        for round in 0..ROUNDS / 3 {
            let (spawned, done) = (Count::default(), Count::default());
            let spec = {
                let (spawned, done) = (spawned.clone(), done.clone());
                worker_fn(move |x: usize| {
                    let done = done.clone();
                    spawned.add();
                    rayon::spawn(move || {
                        done.add();
                    });
                    x
                })
            };
            let mut results = par_stateful(0usize.., spec.times(3)).start();
            for _ in 0..round % 5 {
                assert!(results.next().is_some());
            }
            drop(results);
            assert_eq!(spawned.get(), done.get(), "round {round}");
        }
    });
}

#[test]
fn install_on_another_pool_is_a_way_out() {
    watched_for(Duration::from_secs(180), || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let pool = std::sync::Arc::new(pool);
        each_way!(|start, way| {
            let spec = {
                let pool = std::sync::Arc::clone(&pool);
                worker_fn(move |x: u64| {
                    pool.install(|| (rayon::current_num_threads(), fibonacci(x)))
                })
            };
            let outputs: Vec<_> = start(5..9u64, spec.times(2)).map(Result::unwrap).collect();
            assert!(outputs.iter().all(|&(threads, _)| threads == 3), "{way:?}");
            assert_eq!(outputs.iter().map(|&(_, fib)| fib).sum::<u64>(), 5 + 8 + 13 + 21);
        });
    });
}

#[test]
fn mtask_in_a_worker_does_not_deadlock() {
    watched_for(Duration::from_secs(180), || {
        for round in 0..ROUNDS / 30 {
            each_way!(|start, way| {
                let spec = worker_fn(|x: u64| {
                    let inner = par_map(0..x, 2, |y: u64| {
                        par_map(0..y, 2, fibonacci).propagate_panics().count() as u64
                    });
                    inner.propagate_panics().sum::<u64>()
                });
                let results = start(0..8u64, spec.times(1 + round % 3));
                let sum: u64 = results.map(Result::unwrap).sum();
                assert_eq!(sum, (0..8).map(|x: u64| (0..x).sum::<u64>()).sum::<u64>(), "{way:?}");
            });
        }
    });
}

#[test]
fn mtask_within_rayon_within_mtask_does_not_deadlock() {
    watched_for(Duration::from_secs(180), || {
        for _ in 0..ROUNDS / 30 {
            let results = par_map(0..6u64, 2, |x: u64| {
                let count = |n: u64| par_map(0..n, 2, |y: u64| y).propagate_panics().count();
                let (a, b) = rayon::join(|| count(x), || count(2 * x));
                a + b
            });
            assert_eq!(results.propagate_panics().sum::<usize>(), 45);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn rayon_in_a_worker_adds_no_threads_and_mtask_one_a_spec() {
    use crate::util::process::{alone, threads, wait_for_threads};
    use crate::util::{Gate, eventually};

    alone(|| {
        let before = threads();
        each_way!(|start, way| {
            let spec = worker_fn(move |x: u64| {
                let fib = fibonacci(10 + x % 2);
                let sum = (0..1_000u64).into_par_iter().map(|y| y % 3).sum::<u64>();
                (fib + sum, threads(), rayon::current_num_threads())
            });
            let outputs = start(0..50u64, spec.times(3));
            for (_, seen, pool) in outputs.map(Result::unwrap) {
                assert!(seen <= before + 3, "{seen} threads, {before} before: {way:?}");
                assert_eq!(pool, 3, "the worker is in its own pool: {way:?}");
            }
            wait_for_threads(before);
        });
        // Two workers, each with three of its own.
        let (inside, go) = (Gate::default(), Gate::default());
        let spec = {
            let (inside, go) = (inside.clone(), go.clone());
            worker_fn(move |x: usize| {
                let (inside, go) = (inside.clone(), go.clone());
                let run = par_map(0..3usize, 3, move |y: usize| {
                    inside.pass();
                    go.pass();
                    y
                });
                x + run.propagate_panics().sum::<usize>()
            })
        };
        inside.open();
        let results = par_stateful(0..2usize, spec.times(2)).start();
        eventually("six items are in hand", || go.came() == 6);
        assert_eq!(threads(), before + 2 + 2 * 3);
        go.open();
        assert_eq!(results.propagate_panics().sum::<usize>(), 7);
        wait_for_threads(before);
    });
}
