//! Thousands of runs that are dropped at random, or whose workers panic at random: none hangs, and
//! no thread and no memory is left.
#![cfg(target_os = "linux")]

use std::panic;
use std::thread;
use std::time::Duration;

use mtask::{ParStatefulExt, Spec, init_fn, par_stateful, par_stateful_local, worker_fn};

use crate::util::process::{alone, resident, threads, wait_for_threads};
use crate::util::{Count, Random, Token, eventually, runs, watched_for};

/// What the memory of a process may vary by without growing: less than a kilobyte a run.
const SLACK: usize = 8 << 20;

/// Runs `run` with the seeds from 0 on, in a process of its own whose panics are not printed, and
/// compares threads and memory before and after.
fn leaves_nothing(run: impl Fn(u64) + Send + 'static) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // Those of the workers are wanted.
        let thread = thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("mtask-")) {
            print(info);
        }
    }));
    // Caches and arenas fill up in the first runs.
    let runs = runs(10_000);
    let warm_up = runs / 10;
    let before_threads = threads();
    watched_for(Duration::from_secs(240), move || {
        // The thread of this closure is one more.
        let before_threads = before_threads + 1;
        let mut before = 0;
        for seed in 0..warm_up + runs {
            if seed == warm_up {
                wait_for_threads(before_threads);
                before = resident();
            }
            let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| run(seed)));
            outcome.unwrap_or_else(|_| panic!("the run with seed {seed} fails"));
        }
        wait_for_threads(before_threads);
        let after = resident();
        eprintln!("{runs} runs: {before_threads} threads and {before} bytes before, {after} after");
        // A sanitizer keeps notes of its own on each thread.
        if std::env::var_os("MTASK_SANITIZED").is_none() {
            assert!(after < before + SLACK, "memory grew from {before} to {after}");
        }
    });
    wait_for_threads(before_threads);
}

/// How a run is put together.
struct Shape {
    items: usize,
    workers: usize,
    window: usize,
    batch: usize,
    ordered: bool,
}

impl Shape {
    fn any(random: &mut Random) -> Self {
        Self {
            items: random.below(40),
            workers: 1 + random.below(4),
            window: 1 + random.below(12),
            batch: 1 + random.below(4),
            ordered: random.one_in(2),
        }
    }
}

/// Gives a run its shape.
macro_rules! shaped {
    ($results:expr, $shape:expr) => {{
        let results = $results.max_in_flight($shape.window).chunk_size($shape.batch);
        if $shape.ordered { results } else { results.unordered() }
    }};
}

/// Takes some of the results and drops the rest: before the start, in the middle or at the end.
fn take_some<T>(mut results: impl Iterator<Item = T>, random: &mut Random) {
    let take = random.below(45);
    for _ in 0..take {
        if results.next().is_none() {
            break;
        }
    }
}

/// Does nothing, or a little, or gives way to another thread.
fn dawdle(random: &mut Random) {
    match random.below(12) {
        0 => thread::sleep(Duration::from_micros(50)),
        1 | 2 => thread::yield_now(),
        _ => {}
    }
}

#[test]
fn early_drops_leave_no_thread_and_no_memory() {
    alone(|| {
        leaves_nothing(|seed| {
            let mut random = Random::new(seed);
            let shape = Shape::any(&mut random);
            let alive = Count::default();
            let source = {
                let (alive, mut random) = (alive.clone(), Random::new(seed + 1));
                (0..shape.items).map(move |x| {
                    dawdle(&mut random);
                    (x, alive.token(), vec![0u8; 256])
                })
            };
            let spec = {
                let alive = alive.clone();
                init_fn(move || {
                    let (own, mut random) = (alive.token(), Random::new(seed + 2));
                    Ok::<_, String>(move |item| {
                        let _ = &own;
                        dawdle(&mut random);
                        item
                    })
                })
            };
            let specs = spec.times(shape.workers);
            match random.below(4) {
                0 => take_some(shaped!(par_stateful_local(source, specs), shape), &mut random),
                1 => mtask::scope(|s| {
                    let results = shaped!(s.par_stateful(source, specs), shape);
                    take_some(results, &mut random);
                }),
                2 => take_some(shaped!(par_stateful(source, specs), shape).start(), &mut random),
                _ => take_some(shaped!(par_stateful(source, specs), shape), &mut random),
            }
            // A thread that was inside the source for longer than its grace may come later.
            eventually("items, workers and source are dropped", || alive.get() == 0);
        });
    });
}

#[test]
fn early_drops_of_stages_leave_no_thread_and_no_memory() {
    alone(|| {
        leaves_nothing(|seed| {
            let mut random = Random::new(seed);
            let [first, second] = [Shape::any(&mut random), Shape::any(&mut random)];
            let alive = Count::default();
            let source = {
                let alive = alive.clone();
                (0..first.items).map(move |_| alive.token())
            };
            let identity = |seed| {
                let mut random = Random::new(seed);
                worker_fn(move |token: Token| {
                    dawdle(&mut random);
                    token
                })
            };
            let inner = source.par_stateful(identity(seed + 1).times(first.workers));
            let inner = shaped!(inner, first).map(Result::unwrap);
            let specs = identity(seed + 2).times(second.workers);
            match random.below(3) {
                0 => take_some(shaped!(par_stateful_local(inner, specs), second), &mut random),
                1 => mtask::scope(|s| {
                    let results = shaped!(s.par_stateful(inner, specs), second);
                    take_some(results, &mut random);
                }),
                _ => take_some(shaped!(par_stateful(inner, specs), second), &mut random),
            }
            eventually("items of all stages are dropped", || alive.get() == 0);
        });
    });
}

#[test]
fn random_panics_leave_no_thread_and_no_memory() {
    alone(|| {
        leaves_nothing(|seed| {
            let mut random = Random::new(seed);
            let shape = Shape::any(&mut random);
            let often = 1 + random.below(8);
            let alive = Count::default();
            // Which items panic does not depend on who runs them.
            let panics = move |x: usize| Random::new(seed ^ (x as u64 + 1) << 20).one_in(often);
            let source = {
                let alive = alive.clone();
                (0..shape.items).map(move |x| (x, alive.token()))
            };
            let spec = {
                let alive = alive.clone();
                init_fn(move || {
                    let own = alive.token();
                    Ok::<_, String>(move |(x, token): (usize, Token)| {
                        let _ = &own;
                        assert!(!panics(x), "item {x} panics");
                        (x, token)
                    })
                })
            };
            let specs = spec.times(shape.workers);
            let check =
                |results: &mut dyn Iterator<Item = Result<(usize, _), mtask::TaskError>>| {
                    let mut origins: Vec<usize> = results
                        .map(|result| match result {
                            Ok((x, _token)) => {
                                assert!(!panics(x));
                                x
                            }
                            Err(error) => {
                                let x = error.index().expect("an item was in hand");
                                assert!(panics(x), "{error}");
                                x
                            }
                        })
                        .collect();
                    if !shape.ordered {
                        origins.sort();
                    }
                    assert!(origins.into_iter().eq(0..shape.items));
                };
            match random.below(4) {
                0 => check(&mut shaped!(par_stateful_local(source, specs), shape)),
                1 => mtask::scope(|s| check(&mut shaped!(s.par_stateful(source, specs), shape))),
                2 => take_some(shaped!(par_stateful(source, specs), shape), &mut random),
                _ => check(&mut shaped!(par_stateful(source, specs), shape)),
            }
            eventually("items, workers and source are dropped", || alive.get() == 0);
        });
    });
}
