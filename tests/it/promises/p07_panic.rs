//! 7. A panic costs one item, with its message; the worker is built anew, since its state may be
//!    torn. A panic in a worker's destructor is caught and counted.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::thread;

use mtask::{BuildError, Spec, TaskErrorKind, Worker, init_fn, par_stateful, worker_fn};

use crate::util::{Count, Gate, each_way, watched};

#[test]
fn a_panic_costs_one_item_and_is_told() {
    each_way!(|start, way| {
        let spec = worker_fn(|x: usize| match x {
            2 => panic!("a literal"),
            4 => panic!("formatted {x}"),
            6 => panic_any(x),
            x => x,
        });
        let mut results = start(0..8, spec.times(1));
        for index in 0..8 {
            let result = results.next().unwrap();
            let (message, text) = match index {
                2 => ("a literal", "item 2: worker 0 panicked: a literal"),
                4 => ("formatted 4", "item 4: worker 0 panicked: formatted 4"),
                6 => ("a panic whose payload is not a string", ""),
                _ => {
                    assert_eq!(result.unwrap(), index, "{way:?}");
                    continue;
                }
            };
            let error = result.unwrap_err();
            assert_eq!(error.kind(), TaskErrorKind::Panicked);
            assert_eq!((error.index(), error.worker()), (Some(index), Some(0)), "{way:?}");
            assert_eq!(error.panic_message(), Some(message));
            assert!(error.to_string().contains(text), "{error}");
            if index == 6 {
                let payload = error.into_panic().unwrap();
                assert_eq!(payload.downcast_ref(), Some(&6usize), "the payload is kept");
            }
        }
        assert!(results.next().is_none());
        assert_eq!(results.stats().panics, 3, "{way:?}");
    });
}

#[test]
fn the_worker_is_built_anew_and_the_torn_one_dropped_first() {
    each_way!(|start, way| {
        let alive = Count::default();
        let builds = Count::default();
        let spec = {
            let (alive, builds) = (alive.clone(), builds.clone());
            init_fn(move || {
                assert_eq!(alive.get(), 0, "the torn worker is gone before the next is built");
                builds.add();
                let token = alive.token();
                let mut seen = 0;
                Ok::<_, String>(move |x: usize| {
                    let _ = &token;
                    seen += 1;
                    assert!(x % 5 != 3, "torn");
                    (seen, thread::current().id())
                })
            })
        };
        let mut results = start(0..20, spec.times(1));
        let mut home = None;
        let mut seen = 0;
        for index in 0..20 {
            match results.next().unwrap() {
                Err(error) => {
                    assert_eq!(error.kind(), TaskErrorKind::Panicked, "{error}");
                    assert_eq!(index % 5, 3);
                    seen = 0;
                }
                Ok((calls, thread)) => {
                    seen += 1;
                    assert_eq!(calls, seen, "the state is new after a panic: {way:?}");
                    assert_eq!(*home.get_or_insert(thread), thread, "on the same thread");
                }
            }
        }
        assert!(results.next().is_none());
        assert_eq!((builds.get(), results.stats().builds), (5, 5), "{way:?}");
    });
}

#[test]
fn every_item_may_panic() {
    watched(|| {
        for workers in [1, 3] {
            each_way!(|start, way| {
                let spec = worker_fn(|x: usize| -> usize { panic!("{x}") });
                let mut results = start(0..100, spec.times(workers));
                assert_eq!(results.by_ref().filter(Result::is_err).count(), 100, "{way:?}");
                let stats = results.stats();
                assert_eq!((stats.panics, stats.builds, stats.retired), (100, 100, 0), "{way:?}");
            });
        }
    });
}

#[test]
fn a_panic_drops_the_input_it_had_in_hand() {
    each_way!(|start, way| {
        let alive = Count::default();
        let tokens = alive.clone();
        let source = (0..50).map(move |x| (x, tokens.token()));
        let spec = worker_fn(|(x, _token): (usize, crate::util::Token)| assert!(x % 2 == 0));
        let results: Vec<_> = start(source, spec.times(3)).collect();
        assert_eq!((results.len(), alive.get()), (50, 0), "{way:?}");
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("the destructor breaks");
        }
    }
}

/// A worker whose destructor panics, and which panics itself at every tenth item.
struct Fragile(Bomb);

impl Worker for Fragile {
    type Input = usize;
    type Output = usize;

    fn call(&mut self, x: usize) -> usize {
        let Self(_bomb) = self;
        assert!(x % 10 != 9, "torn");
        x
    }
}

#[derive(Clone)]
struct FragileSpec;

impl Spec<Fragile> for FragileSpec {
    fn build(&self) -> Result<Fragile, BuildError> {
        Ok(Fragile(Bomb))
    }
}

#[test]
fn a_panic_in_a_destructor_is_caught_and_counted() {
    watched(|| {
        each_way!(|start, way| {
            let mut results = start(0..30, FragileSpec.times(1));
            assert_eq!(results.by_ref().filter(Result::is_ok).count(), 27, "{way:?}");
            // One after each of three panics; the last of them left no worker to drop.
            assert_eq!(results.stats().destructor_panics, 3, "{way:?}");
        });
        each_way!(|start, way| {
            let mut results = start(0..35, FragileSpec.times(2));
            assert_eq!(results.by_ref().filter(Result::is_ok).count(), 32, "{way:?}");
            let stats = results.stats();
            assert_eq!(stats.destructor_panics, stats.builds, "{way:?}");
        });
        each_way!(|start, way| {
            let mut results = start(0..35, FragileSpec.times(2));
            assert!(results.next().unwrap().is_ok(), "{way:?}");
            drop(results);
        });
    });
    let mut results = par_stateful(0..35, FragileSpec.times(2)).inline();
    assert_eq!(results.by_ref().filter(Result::is_ok).count(), 32);
    assert_eq!(results.stats().destructor_panics, 4);
}

#[test]
fn nothing_waits_for_the_destructor_of_a_torn_worker() {
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
                        assert!(x > 0, "torn");
                        x
                    })
                })
            };
            let mut results = start(0..8, spec.times(2));
            let first: Vec<_> = results.by_ref().take(8).collect();
            assert_eq!(first.iter().filter(|result| result.is_err()).count(), 1, "{way:?}");
            gate.open();
            assert!(results.next().is_none(), "{way:?}");
        });
    });
}

#[test]
fn a_payload_may_panic_in_its_own_destructor() {
    watched(|| {
        each_way!(|start, way| {
            let spec = worker_fn(|x: usize| {
                if x % 3 == 0 {
                    panic_any(Bomb);
                }
            });
            let results = start(0..30, spec.times(2));
            assert_eq!(results.filter(Result::is_err).count(), 10, "{way:?}");
        });
    });
}

#[test]
fn an_input_may_panic_in_its_destructor() {
    watched(|| {
        each_way!(|start, way| {
            // A worker that cannot be built leaves its input to the engine, and so does an early drop.
            let spec = init_fn(|| Err::<fn(Bomb), _>("no"));
            let results = start((0..30).map(|_| Bomb), spec.times(2));
            assert!(results.filter(Result::is_err).count() > 1, "{way:?}");
        });
        each_way!(|start, _way| {
            let spec = worker_fn(std::mem::forget::<Bomb>);
            let mut results = start((0..30).map(|_| Bomb), spec.times(2)).max_in_flight(20);
            assert!(results.next().unwrap().is_ok());
        });
    });
}

#[test]
fn propagate_panics_resumes_the_panic_in_the_consumer() {
    watched(|| {
        each_way!(|start, way| {
            let spec = worker_fn(|x: usize| {
                if x == 3 {
                    resume_unwind(Box::new(x));
                }
                x
            });
            let mut outputs = start(0..8, spec.times(1)).propagate_panics();
            assert!(outputs.by_ref().take(3).eq(0..3), "{way:?}");
            let payload = catch_unwind(AssertUnwindSafe(|| outputs.next())).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&3usize), "{way:?}");
            assert!(outputs.eq(4..8), "the run goes on: {way:?}");
        });
    });
}

#[test]
fn inline_catches_and_builds_anew_too() {
    let builds = Count::default();
    let spec = {
        let builds = builds.clone();
        init_fn(move || {
            builds.add();
            let mut seen = 0;
            Ok::<_, String>(move |x: usize| {
                seen += 1;
                assert!(x != 2, "torn");
                seen
            })
        })
    };
    let outputs: Vec<_> = par_stateful(0..5, spec.times(1)).inline().map(Result::ok).collect();
    assert_eq!(outputs, [Some(1), Some(2), None, Some(1), Some(2)]);
    assert_eq!(builds.get(), 2);
}
