//! 9. A panicking source: what was pulled before is yielded first, then the workers end, then the
//!    panic resumes in the consumer; afterwards `None`.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::thread::sleep;
use std::time::Duration;

use mtask::{Spec, init_fn, par_stateful, par_stateful_local};

use crate::util::{Count, each_way, watched};

/// What the sources of these tests panic with.
#[derive(Debug, PartialEq)]
struct Broken(usize);

/// Numbers up to `at`, and then a panic; counts how often it was asked.
fn breaking(at: usize, asked: &Count) -> impl Iterator<Item = usize> + use<> {
    let asked = asked.clone();
    std::iter::from_fn(move || {
        let x = asked.add();
        if x == at {
            panic_any(Broken(at));
        }
        Some(x)
    })
}

#[test]
fn what_was_pulled_comes_first_then_the_panic_then_nothing() {
    watched(|| {
        for at in [0, 1, 2, 7, 100] {
            for workers in [1, 2, 4] {
                each_way!(|start, way| {
                    let (asked, alive) = (Count::default(), Count::default());
                    let spec = {
                        let alive = alive.clone();
                        init_fn(move || {
                            let own = alive.token();
                            Ok::<_, String>(move |x: usize| {
                                let _ = &own;
                                if x % 7 == 1 {
                                    // The source panics while this one is in hand.
                                    sleep(Duration::from_millis(1));
                                }
                                x
                            })
                        })
                    };
                    let mut results = start(breaking(at, &asked), spec.times(workers));
                    let mut outputs = Vec::new();
                    let outcome = catch_unwind(AssertUnwindSafe(|| {
                        for result in results.by_ref() {
                            outputs.push(result.unwrap());
                        }
                    }));
                    let payload = outcome.expect_err("the panic reaches the consumer");
                    assert_eq!(payload.downcast_ref(), Some(&Broken(at)), "{way:?}");
                    assert_eq!(alive.get(), 0, "the workers have ended: {way:?}");
                    if !way.ordered {
                        outputs.sort();
                    }
                    assert!(outputs.into_iter().eq(0..at), "{way:?}");
                    for _ in 0..3 {
                        assert!(results.next().is_none(), "{way:?}");
                    }
                    assert_eq!(asked.get(), at + 1, "it is not asked again: {way:?}");
                });
            }
        }
    });
}

#[test]
fn the_source_is_dropped_before_the_panic_resumes() {
    watched(|| {
        each_way!(|start, way| {
            let alive = Count::default();
            let source = {
                let own = alive.token();
                (0..9usize).inspect(move |&x| {
                    let _ = &own;
                    assert!(x < 5);
                })
            };
            let mut results = start(source, mtask::worker_fn(|x: usize| x).times(2));
            assert!(catch_unwind(AssertUnwindSafe(|| results.by_ref().count())).is_err());
            assert_eq!(alive.get(), 0, "{way:?}");
        });
    });
}

#[test]
fn a_panicking_source_of_a_run_that_is_dropped_panics_nobody() {
    watched(|| {
        each_way!(|start, _way| {
            let asked = Count::default();
            let specs = mtask::worker_fn(|x: usize| x).times(2);
            let mut results = start(breaking(3, &asked), specs);
            assert!(results.next().unwrap().is_ok());
        });
    });
}

#[test]
fn a_panic_passes_through_stages() {
    watched(|| {
        each_way!(|start, way| {
            let asked = Count::default();
            let inner = mtask::par_map(breaking(20, &asked), 2, |x: usize| x).propagate_panics();
            let mut results = start(inner, mtask::worker_fn(|x: usize| x).times(3));
            let mut count = 0;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                results.by_ref().for_each(|_| count += 1);
            }));
            let payload = outcome.expect_err("the panic reaches the last consumer");
            assert_eq!(count, 20, "{way:?}");
            assert_eq!(payload.downcast_ref(), Some(&Broken(20)), "{way:?}");
        });
    });
}

#[test]
fn inline_the_worker_ends_and_the_panic_passes() {
    for local in [false, true] {
        let (asked, alive) = (Count::default(), Count::default());
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
        let source = breaking(4, &asked);
        let mut results: Box<dyn Iterator<Item = _>> = if local {
            Box::new(par_stateful_local(source, spec.times(2)).inline())
        } else {
            Box::new(par_stateful(source, spec.times(2)).inline())
        };
        assert!(results.by_ref().take(4).map(Result::unwrap).eq(0..4));
        let payload = catch_unwind(AssertUnwindSafe(|| results.next())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&Broken(4)));
        assert_eq!(alive.get(), 0);
        assert!(results.next().is_none());
        assert_eq!(asked.get(), 5);
    }
}
