//! 2. One out for one in: exactly one item for each input, exactly once, in input order unless
//!    `.unordered()`; whatever panics or fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use mtask::{Spec, TaskError, TaskErrorKind, init_fn, par_stateful, par_stateful_local, worker_fn};

use crate::util::{Count, Random, each_way, watched};

/// What the workers of these tests make of an input: every kind of outcome.
fn fate(x: usize) -> Result<usize, String> {
    match x % 11 {
        3 => panic!("item {x} panics"),
        7 => Err(format!("item {x} fails")),
        8 => {
            sleep(Duration::from_micros(300));
            Ok(x)
        }
        _ => Ok(x),
    }
}

/// The input that an item was made from, if it is what that input has to give.
fn origin(item: Result<Result<usize, String>, TaskError>) -> usize {
    match item {
        Ok(Ok(x)) => {
            assert!(x % 11 != 3 && x % 11 != 7, "{x} is a success");
            x
        }
        Ok(Err(message)) => {
            let x = message.split(' ').nth(1).unwrap().parse().unwrap();
            assert_eq!(x % 11, 7);
            x
        }
        Err(error) => {
            assert_eq!(error.kind(), TaskErrorKind::Panicked);
            let x = error.index().unwrap();
            assert_eq!(x % 11, 3);
            assert_eq!(error.panic_message().unwrap(), format!("item {x} panics"));
            x
        }
    }
}

#[test]
fn each_input_gives_one_item_whatever_becomes_of_it() {
    watched(|| {
        let mut random = Random::new(2);
        for n in [0, 1, 2, 3, 5, 8, 31, 200] {
            for workers in [1, 2, 4] {
                let window = 1 + random.below(12);
                let batch = 1 + random.below(6);
                each_way!(|start, way| {
                    let runs: Arc<Vec<AtomicUsize>> =
                        Arc::new((0..n).map(|_| AtomicUsize::new(0)).collect());
                    let spec = {
                        let runs = Arc::clone(&runs);
                        worker_fn(move |x: usize| {
                            runs[x].fetch_add(1, Ordering::SeqCst);
                            fate(x)
                        })
                    };
                    let results = start(0..n, spec.times(workers));
                    let results = results.max_in_flight(window).chunk_size(batch);
                    let mut origins: Vec<usize> = results.map(origin).collect();
                    if !way.ordered {
                        origins.sort();
                    }
                    let said =
                        format!("{way:?}, {workers} workers, window {window}, batch {batch}");
                    assert!(origins.into_iter().eq(0..n), "{said}");
                    let runs: Vec<_> = runs.iter().map(|n| n.load(Ordering::SeqCst)).collect();
                    assert_eq!(runs, vec![1; n], "each input is run once: {said}");
                });
            }
        }
    });
}

#[test]
fn failed_builds_cost_no_item() {
    watched(|| {
        for broken_builds in [1, 2, 5] {
            each_way!(|start, way| {
                let builds = Count::default();
                let spec = init_fn(move || {
                    if builds.add() < broken_builds { Err("no") } else { Ok(|x: usize| x) }
                });
                let items: Vec<_> = start(0..100, spec.times(3)).map(Result::unwrap).collect();
                let mut sorted = items.clone();
                sorted.sort();
                assert!(sorted.into_iter().eq(0..100), "{way:?}");
                assert!(!way.ordered || items.is_sorted(), "{way:?}");
            });
        }
    });
}

#[test]
fn order_holds_when_later_items_are_faster() {
    watched(|| {
        each_way!(|start, way| {
            let spec = worker_fn(|x: u64| {
                sleep(Duration::from_millis(if x % 4 == 0 { 4 } else { 0 }));
                x
            });
            let mut outputs: Vec<u64> =
                start(0..40, spec.times(4)).collect::<Result<_, _>>().unwrap();
            if !way.ordered {
                assert!(!outputs.is_sorted(), "a fast item overtakes a slow one: {way:?}");
                outputs.sort();
            }
            assert!(outputs.into_iter().eq(0..40), "{way:?}");
        });
    });
}

#[test]
fn after_the_end_there_is_nothing_more() {
    each_way!(|start, way| {
        let mut results = start(0..3, worker_fn(|x: u32| x).times(2));
        assert_eq!(results.by_ref().count(), 3);
        assert!(results.is_finished());
        for _ in 0..3 {
            assert!(results.next().is_none(), "{way:?}");
        }
    });
}

#[test]
fn a_source_is_not_asked_again_after_its_end() {
    each_way!(|start, way| {
        let asked = Count::default();
        let source = {
            let asked = asked.clone();
            // Not fused: it would go on after its first `None`.
            std::iter::from_fn(move || {
                let n = asked.add();
                (n != 5).then_some(n)
            })
        };
        let outputs = start(source, worker_fn(|x: usize| x).times(3)).count();
        assert_eq!((outputs, asked.get()), (5, 6), "{way:?}");
    });
}

#[test]
fn inline_gives_one_for_one_in_order() {
    let origins: Vec<usize> =
        par_stateful(0..50, worker_fn(fate).times(3)).inline().map(origin).collect();
    assert!(origins.into_iter().eq(0..50));
    let origins: Vec<usize> =
        par_stateful_local(0..50, worker_fn(fate).times(3)).inline().map(origin).collect();
    assert!(origins.into_iter().eq(0..50));
}
