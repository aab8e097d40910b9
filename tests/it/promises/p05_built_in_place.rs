//! 5. Built in place: a worker is built once, where it runs, when it takes its first item; it may
//!    be `!Send`. Fewer items than workers build fewer workers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use mtask::{BuildError, Spec, Worker, init_fn, par_stateful, par_stateful_local, worker_fn};

use crate::util::{
    Count, Gate, counted, each_pulling_way, each_way, eventually, settle, stalled, watched,
};

/// A worker that cannot be sent, and that tells where and how often it was used.
struct Homebody {
    id: usize,
    home: ThreadId,
    calls: Rc<Cell<usize>>,
    moved: Count,
}

impl Worker for Homebody {
    type Input = usize;
    /// The worker's number, its thread and the calls it has had.
    type Output = (usize, ThreadId, usize);

    fn call(&mut self, _: usize) -> Self::Output {
        let here = thread::current().id();
        if here != self.home {
            self.moved.add();
        }
        self.calls.set(self.calls.get() + 1);
        (self.id, here, self.calls.get())
    }
}

impl Drop for Homebody {
    fn drop(&mut self) {
        if thread::current().id() != self.home {
            self.moved.add();
        }
    }
}

#[derive(Clone)]
struct HomebodySpec {
    id: usize,
    built: Count,
    moved: Count,
}

impl Spec<Homebody> for HomebodySpec {
    fn build(&self) -> Result<Homebody, BuildError> {
        self.built.add();
        Ok(Homebody {
            id: self.id,
            home: thread::current().id(),
            calls: Rc::default(),
            moved: self.moved.clone(),
        })
    }
}

#[test]
fn a_worker_stays_where_it_was_built_and_is_built_once() {
    watched(|| {
        for workers in [1, 2, 4] {
            each_way!(|start, way| {
                let (built, moved) = (Count::default(), Count::default());
                let specs = {
                    let spec = HomebodySpec { id: 0, built: built.clone(), moved: moved.clone() };
                    (0..workers).map(move |id| HomebodySpec { id, ..spec.clone() })
                };
                let outputs: Vec<_> =
                    start(0..500, specs).collect::<Result<_, _>>().expect("nothing fails");
                assert_eq!(moved.get(), 0, "used or dropped on another thread: {way:?}");
                assert!(built.get() <= workers, "{built:?} built for {workers}: {way:?}");
                let mut most = vec![(0, None); workers];
                for (id, home, calls) in outputs {
                    assert_ne!(home, thread::current().id());
                    let (before, at) = &mut most[id];
                    assert!(at.is_none_or(|at| at == home), "two threads for worker {id}");
                    *at = Some(home);
                    *before = calls.max(*before);
                }
                // The state that was kept adds up to the whole run.
                assert_eq!(most.iter().map(|(calls, _)| calls).sum::<usize>(), 500, "{way:?}");
            });
        }
    });
}

#[test]
fn each_worker_is_built_from_its_own_spec() {
    watched(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let specs: Vec<_> = (0..3usize)
                .map(|id| {
                    let gate = gate.clone();
                    worker_fn(move |_: usize| {
                        gate.pass();
                        id
                    })
                    .boxed()
                })
                .collect();
            let observer = thread::spawn(move || {
                gate.wait_for(3);
                gate.open();
            });
            // The first three items are each at a worker of their own.
            let mut ids: Vec<_> = start(0..3, specs).collect::<Result<_, _>>().unwrap();
            observer.join().unwrap();
            ids.sort();
            assert_eq!(ids, [0, 1, 2], "{way:?}");
        });
    });
}

#[test]
fn a_worker_is_built_when_it_takes_its_first_item() {
    watched(|| {
        each_pulling_way!(|start, way| {
            let (built, gate) = (Count::default(), Gate::default());
            let spec = HomebodySpec { id: 0, built: built.clone(), moved: Count::default() };
            let results = start(stalled(0..10usize, 0, &gate), spec.times(3)).start();
            let _open = gate.open_on_drop();
            gate.wait_for(1);
            settle();
            assert_eq!(built.get(), 0, "no item is there: {way:?}");
            gate.open();
            assert_eq!(results.count(), 10);
            assert!(built.get() > 0);
        });
        // A consumer that pulls the source itself gives its first item at the start.
        let built = Count::default();
        let spec = HomebodySpec { id: 0, built: built.clone(), moved: Count::default() };
        let mut results = par_stateful_local(0..10usize, spec.times(3)).max_in_flight(1);
        assert!(results.next().is_some());
        settle();
        assert_eq!(built.get(), 1, "one item is there");
    });
}

#[test]
fn fewer_items_than_workers_build_fewer_workers() {
    watched(|| {
        for items in 0..4 {
            each_way!(|start, way| {
                let built = Count::default();
                let spec = HomebodySpec { id: 0, built: built.clone(), moved: Count::default() };
                assert_eq!(start(0..items, spec.times(8)).count(), items);
                assert!(built.get() <= items, "{built:?} built for {items}: {way:?}");
            });
        }
    });
}

#[test]
fn build_now_builds_every_worker_before_an_item_is_pulled() {
    watched(|| {
        each_way!(|start, way| {
            let (gate, built) = (Gate::default(), Count::default());
            let (source, pulled) = counted(0..2usize);
            let spec = {
                let (gate, built) = (gate.clone(), built.clone());
                init_fn(move || {
                    // Every worker but the last to be built stands here.
                    if built.add() < 3 {
                        gate.pass();
                    }
                    Ok::<_, String>(|x: usize| x)
                })
            };
            let observer = {
                let built = built.clone();
                thread::spawn(move || {
                    eventually("all are being built", || built.get() == 4);
                    settle();
                    let seen = pulled.get();
                    gate.open();
                    seen
                })
            };
            assert_eq!(start(source, spec.times(4)).build_now().count(), 2);
            assert_eq!(observer.join().unwrap(), 0, "{way:?}");
            assert_eq!(built.get(), 4, "{way:?}");
        });
    });
}

#[test]
fn inline_uses_the_first_spec_on_the_callers_thread() {
    let (built, moved) = (Count::default(), Count::default());
    let spec = HomebodySpec { id: 0, built: built.clone(), moved: moved.clone() };
    let specs: Vec<_> = (7..10).map(|id| HomebodySpec { id, ..spec.clone() }).collect();
    let here = thread::current().id();
    for local in [false, true] {
        let outputs: Vec<_> = if local {
            par_stateful_local(0..3, specs.clone()).inline().collect::<Result<_, _>>().unwrap()
        } else {
            par_stateful(0..3, specs.clone()).inline().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(outputs, [(7, here, 1), (7, here, 2), (7, here, 3)]);
    }
    assert_eq!((built.get(), moved.get()), (2, 0));
}

#[test]
fn a_worker_is_dropped_at_the_end_of_the_run() {
    each_way!(|start, way| {
        let alive = Count::default();
        let dropped_on = Arc::new(Mutex::new(Vec::new()));
        let spec = {
            let (alive, dropped_on) = (alive.clone(), Arc::clone(&dropped_on));
            init_fn(move || {
                let token = (alive.token(), Dropped(Arc::clone(&dropped_on)));
                Ok::<_, String>(move |_: usize| {
                    let _ = &token;
                    thread::current().id()
                })
            })
        };
        let mut results = start(0..20, spec.times(3));
        let homes: Vec<_> = results.by_ref().map(Result::unwrap).collect();
        assert_eq!(alive.get(), 0, "{way:?}");
        let dropped_on = dropped_on.lock().unwrap();
        assert!(dropped_on.iter().all(|thread| homes.contains(thread)), "{way:?}");
    });

    /// Notes the thread on which it is dropped.
    struct Dropped(Arc<Mutex<Vec<ThreadId>>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(thread::current().id());
        }
    }
}
