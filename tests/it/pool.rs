//! A pool: workers that are kept from one map to the next.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use mtask::{BoxSpec, Ended, Pool, Spec, TaskErrorKind, init_fn, worker_fn};

#[cfg(target_os = "linux")]
use crate::util::process::{alone, threads, wait_for_threads};
use crate::util::{Count, Gate, Random, counted, eventually, settle, stalled, watched};

/// A worker that counts its calls, and gives them with the item: `!Send`, and a token while it lives.
fn counting(alive: &Count, built: &Count) -> BoxSpec<usize, (usize, usize)> {
    let (alive, built) = (alive.clone(), built.clone());
    init_fn(move || {
        built.add();
        let (token, calls) = (alive.token(), Rc::new(std::cell::Cell::new(0)));
        Ok::<_, String>(move |x: usize| {
            let _ = &token;
            calls.set(calls.get() + 1);
            (x, calls.get())
        })
    })
    .boxed()
}

#[test]
fn a_thousand_maps_build_each_worker_once_those_dropped_early_included() {
    watched(|| {
        let (alive, built) = (Count::default(), Count::default());
        let mut random = Random::new(7);
        let mut pool = Pool::new(counting(&alive, &built).times(3));
        pool.build_now().unwrap();
        for round in 0..1_000 {
            let length = random.below(40);
            let taken = if random.one_in(3) { random.below(length + 1) } else { length };
            let map = pool.map(0..length);
            let map = if random.one_in(2) { map.unordered() } else { map };
            let mut seen: Vec<_> = map.take(taken).map(|item| item.unwrap().0).collect();
            seen.sort_unstable();
            assert_eq!(seen.len(), taken, "{round}");
            seen.dedup();
            assert_eq!(seen.len(), taken, "{round}");
        }
        assert_eq!(built.get(), 3);
        assert_eq!(alive.get(), 3);
        drop(pool);
        assert_eq!(alive.get(), 0);
    });
}

#[test]
fn maps_give_what_the_sequential_map_gives() {
    watched(|| {
        let mut random = Random::new(11);
        let mut pool = Pool::new(worker_fn(|x: usize| x * 3).times(2));
        for _ in 0..300 {
            let length = random.below(2_000);
            let map = pool.map(0..length);
            let map = match random.below(5) {
                0 => map.max_in_flight(1 + random.below(5)),
                1 => map.chunk_size(1 + random.below(5)),
                2 => map.build_now(),
                3 => map.start(),
                _ => map,
            };
            assert_eq!(map.len(), length);
            let tripled: Vec<_> = map.propagate_panics().collect();
            assert!(tripled.into_iter().eq((0..length).map(|x| x * 3)));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_pulled_spawned_or_built_before_the_first_item() {
    alone(|| {
        let before = threads();
        let (alive, built) = (Count::default(), Count::default());
        let mut pool = Pool::new(counting(&alive, &built).times(2));
        let (source, pulled) = counted(0..10usize);
        drop(pool.map(source));
        assert_eq!(pool.map(0..0).count(), 0);
        assert_eq!((threads(), built.get(), pulled.get()), (before, 0, 0));
        assert_eq!(pool.map(0..1).count(), 1);
        assert_eq!((threads(), built.get()), (before + 2, 1));
        pool.finish();
        wait_for_threads(before);
        assert_eq!(alive.get(), 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_by_a_drop() {
    alone(|| {
        let before = threads();
        for taken in 0..100 {
            let mut pool = Pool::new(worker_fn(|x: usize| x).times(3));
            assert_eq!(pool.map(0..).take(taken).count(), taken);
            assert_eq!(pool.map(0..taken).count(), taken);
        }
        wait_for_threads(before);
    });
}

#[test]
fn a_worker_keeps_its_state_and_its_thread() {
    watched(|| {
        let mut calls = 0;
        let mut pool = Pool::new([init_fn(|| {
            let (home, mut calls) = (thread::current().id(), 0);
            Ok::<_, String>(move |(): ()| {
                assert_eq!(thread::current().id(), home);
                calls += 1;
                calls
            })
        })]);
        for length in [3, 0, 1, 500] {
            for item in pool.map(vec![(); length]) {
                calls += 1;
                assert_eq!(item.unwrap(), calls);
            }
        }
    });
}

#[test]
fn a_panic_costs_one_item_and_the_worker_is_there_for_the_next_map() {
    watched(|| {
        let mut pool = Pool::new(worker_fn(|x: usize| 100 / x).times(2));
        for _ in 0..20 {
            let mut map = pool.map([5, 0, 20]);
            let results: Vec<_> = map.by_ref().map(|item| item.map_err(|e| e.kind())).collect();
            assert_eq!(results, [Ok(20), Err(TaskErrorKind::Panicked), Ok(5)]);
            assert_eq!(map.stats().panics, 1);
        }
    });
}

#[test]
fn what_could_not_be_built_is_tried_again_by_the_next_map() {
    watched(|| {
        let tries = Count::default();
        let seen = tries.clone();
        let mut pool = Pool::new([init_fn(move || {
            if seen.add() < 7 { Err("not yet".to_owned()) } else { Ok(|x: usize| x) }
        })]);
        let error = pool.build_now().unwrap_err();
        assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
        assert_eq!(tries.get(), 3);
        let mut map = pool.map(0..5);
        let errors: Vec<_> = map.by_ref().map(|item| item.unwrap_err().index()).collect();
        assert_eq!(errors, [Some(0), None]);
        assert_eq!((map.stats().retired, map.ended()), (1, Some(Ended::NoWorkerLeft)));
        drop(map);
        assert!(pool.map(0..5).map(Result::unwrap).eq(0..5));
        assert_eq!(tries.get(), 8);
        pool.build_now().unwrap();
    });
}

#[test]
fn build_now_builds_all_of_them_at_once() {
    watched(|| {
        let gate = Gate::default();
        let there = gate.clone();
        let mut pool = Pool::new(
            init_fn(move || {
                there.pass();
                Ok::<_, String>(|x: usize| x)
            })
            .times(3),
        );
        let opener = thread::spawn(move || {
            gate.wait_for(3);
            gate.open();
        });
        pool.build_now().unwrap();
        opener.join().unwrap();
    });
}

#[test]
fn a_panicking_source_leaves_the_pool_usable() {
    watched(|| {
        let mut pool = Pool::new(worker_fn(|x: usize| x).times(2));
        for at in [0, 1, 30] {
            let source = (0..100).inspect(move |&x| assert_ne!(x, at, "the source"));
            let mut map = pool.map(source);
            let mut seen = 0;
            let ended = catch_unwind(AssertUnwindSafe(|| map.by_ref().for_each(|_| seen += 1)));
            assert!(ended.is_err());
            assert_eq!(seen, at);
            drop(map);
            assert_eq!(pool.map(0..50).filter(Result::is_ok).count(), 50);
        }
    });
}

#[test]
fn a_forgotten_map_is_cancelled_by_the_next() {
    watched(|| {
        let mut pool = Pool::new(worker_fn(|x: usize| x).times(2));
        let (source, pulled) = counted(0..);
        let mut map = pool.map(source).max_in_flight(8);
        assert!(map.next().is_some());
        mem::forget(map);
        assert_eq!(pool.map(0..100).count(), 100);
        let seen = pulled.get();
        settle();
        assert_eq!(pulled.get(), seen);
        let mut map = pool.map(0..);
        assert!(map.next().is_some());
        mem::forget(map);
        // And by the end of the pool.
        drop(pool);
    });
}

#[test]
fn the_next_map_waits_for_a_thread_that_was_left_inside_the_source() {
    watched(|| {
        let mut pool = Pool::new(worker_fn(|x: usize| x).times(2));
        let gate = Gate::default();
        let mut map = pool.map(stalled(0..4, 2, &gate));
        assert_eq!(map.next().unwrap().unwrap(), 0);
        assert_eq!(map.next().unwrap().unwrap(), 1);
        gate.wait_for(1);
        drop(map);
        let opener = {
            let gate = gate.clone();
            thread::spawn(move || {
                settle();
                gate.open();
            })
        };
        let all: Vec<_> = pool.map(0..20).map(Result::unwrap).collect();
        assert!(gate.is_open());
        assert!(all.into_iter().eq(0..20));
        opener.join().unwrap();
    });
}

#[test]
fn a_drop_leaves_a_thread_that_is_inside_the_source() {
    watched(|| {
        let (alive, built) = (Count::default(), Count::default());
        let mut pool = Pool::new(counting(&alive, &built).times(2));
        let gate = Gate::default();
        let mut map = pool.map(stalled(0..4, 1, &gate));
        assert!(map.next().is_some());
        gate.wait_for(1);
        drop(map);
        drop(pool);
        gate.open();
        eventually("the worker ends", || alive.get() == 0);
    });
}

#[test]
fn a_map_may_move_between_items() {
    watched(|| {
        let (alive, built) = (Count::default(), Count::default());
        let mut pool = Pool::new(counting(&alive, &built).times(2));
        thread::scope(|scope| {
            let mut map = pool.map(0..10);
            assert_eq!(map.next().unwrap().unwrap().0, 0);
            let rest = scope.spawn(move || map.map(|item| item.unwrap().0).collect::<Vec<_>>());
            assert!(rest.join().unwrap().into_iter().eq(1..10));
        });
        thread::spawn(move || assert_eq!(pool.map(0..3).count(), 3)).join().unwrap();
        assert_eq!(alive.get(), 0);
    });
}

#[test]
fn the_adaptors_take_a_map() {
    watched(|| {
        let parse = |word: &'static str| word.parse::<u32>();
        let mut pool = Pool::new(worker_fn(parse).times(2));
        let mut map = pool.map(["1", "x", "3"]).flatten_errors().stop_on_error();
        assert_eq!(map.next().unwrap().unwrap(), 1);
        assert_eq!(map.next().unwrap().unwrap_err().kind(), TaskErrorKind::Failed);
        assert!(map.next().is_none());
        drop(map);
        assert_eq!(pool.map(["4"]).flatten_errors().map(Result::unwrap).sum::<u32>(), 4);
    });
}

#[test]
#[should_panic(expected = "`specs` is empty")]
fn no_specs_is_a_panic_at_the_call() {
    let _ = Pool::new(worker_fn(|x: usize| x).times(0));
}
