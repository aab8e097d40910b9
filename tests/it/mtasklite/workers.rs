//! Workers and specs.

use std::collections::{HashMap, HashSet};
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use mtask::prelude::*;

use crate::util::{Count, Gate, watched};

/// Tells who it is and how many items it has had.
struct Counter {
    name: String,
    step: usize,
    seen: usize,
}

#[delayed_init]
impl Counter {
    fn new(name: &str, step: usize) -> Self {
        Self { name: name.to_owned(), step, seen: 0 }
    }

    fn call(&mut self, item: usize) -> (String, usize, usize) {
        self.seen += self.step;
        (self.name.clone(), self.seen, item)
    }
}

/// A worker that cannot be made, as its argument says.
struct Fragile;

#[delayed_init]
impl Fragile {
    fn new(builds: &Arc<Mutex<Vec<ThreadId>>>, good: bool) -> Result<Self, String> {
        builds.lock().unwrap().push(thread::current().id());
        if good { Ok(Self) } else { Err("no such device".to_owned()) }
    }

    fn call(&mut self, item: usize) -> usize {
        item
    }
}

/// 1, 2, 7: workers are as many as specs; a count stands in one place, so that none can differ
/// from it.
#[test]
fn there_is_a_worker_for_each_spec() {
    watched(|| {
        for n in 1..=5 {
            let gate = Gate::default();
            let at_gate = gate.clone();
            let specs = init_fn(move || {
                let gate = at_gate.clone();
                Ok::<_, String>(move |_: usize| {
                    gate.pass();
                    thread::current().id()
                })
            });
            let results = par_stateful(0..8 * n, specs.times(n)).chunk_size(1).start();
            // All stand there at once, each with an item: there are `n`, and they stay apart.
            gate.wait_for(n);
            gate.open();
            let threads: Result<HashSet<_>, _> = results.collect();
            assert_eq!(threads.unwrap().len(), n);
        }
    });
}

/// 3, 4, 19, 23/24: what cannot be is refused at the call, before anything runs.
#[test]
fn zeros_are_refused_at_the_call() {
    let message = |f: fn()| {
        let payload = catch_unwind(f).expect_err("it has to be refused");
        payload.downcast_ref::<&str>().map(|text| (*text).to_owned()).unwrap_or_else(|| {
            payload.downcast_ref::<String>().expect("a panic has a message").clone()
        })
    };
    let refused: [(fn(), &str); 5] = [
        (|| drop(par_stateful(0..3usize, Vec::<CounterSpec>::new())), "`specs` is empty"),
        (|| drop(par_stateful(0..3usize, Counter::spec("", 1).times(0))), "`specs` is empty"),
        (|| drop(par_map(0..3, 0, |x: i32| x)), "`par_map` with 0 workers"),
        (|| drop(par_map(0..3, 1, |x: i32| x).max_in_flight(0)), "max_in_flight(0)"),
        (|| drop(par_map(0..3, 1, |x: i32| x).chunk_size(0)), "chunk_size(0)"),
    ];
    for (call, reason) in refused {
        let message = message(call);
        assert!(message.starts_with("mtask: ") && message.contains(reason), "{message}");
    }
}

/// 23/24: an option that comes too late is refused too, and not passed over.
#[test]
fn an_option_after_the_start_is_refused() {
    let started = || par_map(0..3, 1, |x: i32| x).start();
    assert!(catch_unwind(move || drop(started().unordered())).is_err());
    assert!(catch_unwind(move || drop(started().max_in_flight(1))).is_err());
    assert!(catch_unwind(move || drop(started().chunk_size(1))).is_err());
    assert!(catch_unwind(move || drop(started().unbounded())).is_err());
    assert!(catch_unwind(move || drop(started().build_now())).is_err());
}

/// 6: functions, closures, functions with some arguments given, and specs.
#[test]
fn functions_closures_and_specs_are_workers() {
    fn triple(x: u64) -> u64 {
        3 * x
    }
    fn power(exponent: u32, x: u64) -> u64 {
        x.pow(exponent)
    }
    let outputs = |results: &mut dyn Iterator<Item = Result<u64, TaskError>>| {
        results.collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(outputs(&mut par_map(1..4, 2, triple)), [3, 6, 9]);
    let offset = 10;
    assert_eq!(outputs(&mut par_map(1..4, 2, move |x: u64| x + offset)), [11, 12, 13]);
    assert_eq!(outputs(&mut par_map(1..4, 2, |x: u64| power(2, x))), [1, 4, 9]);
    let counted = par_stateful(0..3, [Counter::spec("only", 1)]).map(|item| item.unwrap());
    assert!(counted.map(|(_, seen, item)| (seen, item)).eq([(1, 0), (2, 1), (3, 2)]));
}

/// 8, better: a spec that stands in a list more than once is that many instances, each built on
/// its own thread.
#[test]
fn the_same_spec_twice_shares_nothing() {
    watched(|| {
        let spec = Counter::spec("twin", 1);
        let results = par_stateful(0..100usize, [spec.clone(), spec.clone(), spec]);
        let mut times = HashMap::new();
        for item in results {
            *times.entry(item.unwrap().1).or_insert(0) += 1;
        }
        // Three counters, each counting 1, 2, 3, ..: one that is shared would give each number once.
        assert!(times.values().all(|&times| times <= 3), "{times:?}");
        assert_eq!(times.values().sum::<i32>(), 100);

        let builds = Arc::default();
        let spec = Fragile::spec(&builds, true);
        let results = par_stateful(0..3usize, [spec.clone(), spec.clone(), spec]).build_now();
        assert!(results.map(Result::unwrap).eq(0..3));
        let threads: HashSet<_> = builds.lock().unwrap().iter().copied().collect();
        assert_eq!((builds.lock().unwrap().len(), threads.len()), (3, 3));
    });
}

/// 9: functions and specs stand in one list, and each of them runs.
#[test]
fn functions_and_specs_mix_in_one_list() {
    watched(|| {
        let gate = Gate::default();
        let (at, from) = (gate.clone(), gate.clone());
        struct Stateful(Gate);
        #[delayed_init]
        impl Stateful {
            fn new(gate: &Gate) -> Self {
                Self(gate.clone())
            }

            fn call(&mut self, x: usize) -> (usize, &'static str) {
                self.0.pass();
                (x, "state")
            }
        }
        let function = worker_fn(move |x: usize| {
            at.pass();
            (x, "function")
        });
        let results = par_stateful(0..10, [Stateful::spec(&from).boxed(), function.boxed()]);
        let results = results.start();
        gate.wait_for(2);
        gate.open();
        let items: Vec<_> = results.collect::<Result<_, _>>().unwrap();
        assert!(items.iter().map(|item| item.0).eq(0..10));
        assert!(items.iter().any(|item| item.1 == "state"));
        assert!(items.iter().any(|item| item.1 == "function"));
    });
}

/// 10, 11: a spec records arguments, by position or by name, shows them, and can be built and
/// called in place.
#[test]
fn a_spec_records_arguments_and_builds_in_place() {
    let spec = Counter::spec("here", 2);
    assert_eq!(format!("{spec:?}"), r#"CounterSpec { name: "here", step: 2 }"#);
    let mut worker = spec.build().unwrap();
    assert_eq!(Worker::call(&mut worker, 7), ("here".to_owned(), 2, 7));
    assert_eq!(Worker::call(&mut worker, 8).1, 4);
    let named = CounterSpec { step: 5, ..spec.clone() };
    assert_eq!(Worker::call(&mut named.build().unwrap(), 7).1, 5);
    assert_eq!(Worker::call(&mut spec.build().unwrap(), 7).1, 2, "each build is a new worker");
}

/// 12/14, better: a constructor that fails is tried three times by each worker, and then no more.
#[test]
fn a_failing_constructor_is_given_up() {
    watched(|| {
        for workers in [1, 2, 4] {
            let builds = Arc::default();
            let specs = Fragile::spec(&builds, false).times(workers);
            let mut results = par_stateful(0..100usize, specs);
            let errors: Vec<_> = results.by_ref().map(|item| item.unwrap_err()).collect();
            assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::NoWorkerLeft));
            let (rest, items) = errors.split_last().unwrap();
            assert!(items.iter().enumerate().all(|(i, error)| error.index() == Some(i)));
            assert_eq!((rest.index(), rest.worker()), (None, None));
            assert!(format!("{rest:#}").contains("no such device"), "{rest:#}");
            assert!(builds.lock().unwrap().len() >= 3);
            assert_eq!(results.ended(), Some(Ended::NoWorkerLeft));
        }
    });
}

/// 13: four workers and one input build one worker; 36: more workers than inputs do no harm.
#[test]
fn only_workers_with_an_item_are_built() {
    watched(|| {
        for items in 0..4 {
            let builds = Arc::default();
            let mut results = par_stateful(0..items, Fragile::spec(&builds, true).times(4));
            assert!(results.by_ref().map(Result::unwrap).eq(0..items));
            let builds = builds.lock().unwrap().len();
            assert!(builds <= items && (builds > 0) == (items > 0), "{builds} for {items}");
            assert_eq!(results.stats().builds, builds);
        }
    });
}

/// 15: the instance keeps its state for the whole run.
#[test]
fn state_is_kept_for_the_whole_run() {
    watched(|| {
        let names = ["a", "b", "c"];
        let results = par_stateful(0..300usize, names.map(|name| Counter::spec(name, 1)));
        // A worker may take over an item that comes before those it has run.
        let mut counts: HashMap<String, Vec<usize>> = HashMap::new();
        for (name, seen, _) in results.map(Result::unwrap) {
            counts.entry(name).or_default().push(seen);
        }
        for counts in counts.values_mut() {
            counts.sort_unstable();
            assert!(counts.iter().copied().eq(1..=counts.len()), "{counts:?}");
        }
        assert_eq!(counts.values().map(Vec::len).sum::<usize>(), 300);
    });
}

/// 16, better: the attribute leaves the type as it is: it can be named, made and called.
#[test]
fn the_type_is_not_hidden() {
    let mut counter: Counter = Counter::new("plain", 3);
    assert_eq!(counter.call(1).1, 3);
    assert_eq!(counter.name, "plain");
    fn worker_of<W: Worker<Input = usize>>(_: &W) {}
    worker_of(&counter);
}

/// 40: a worker can be told apart by its own arguments.
#[test]
fn each_worker_has_its_own_arguments() {
    watched(|| {
        let arrived = Count::default();
        let gate = Gate::default();
        let specs = (0..4).map(|gpu| {
            let (gate, arrived) = (gate.clone(), arrived.clone());
            init_fn(move || {
                let (gate, arrived) = (gate.clone(), arrived.clone());
                Ok::<_, String>(move |_: usize| {
                    // Nobody goes on before all have an item.
                    if arrived.add() == 3 {
                        gate.open();
                    }
                    gate.pass();
                    gpu
                })
            })
        });
        let mut gpus: Vec<_> = par_stateful(0..4, specs).collect::<Result<_, _>>().unwrap();
        gpus.sort();
        assert_eq!(gpus, [0, 1, 2, 3]);
    });
}
