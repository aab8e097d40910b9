//! 13. Zero specs is a documented panic at the call; zero items is an empty iterator, nothing
//!     spawned.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mtask::spec::FnSpec;
use mtask::{
    ParStatefulExt, Spec, init_fn, par_map, par_stateful, par_stateful_local, scope, worker_fn,
};

use crate::util::{Count, counted, each_way};

type Identity = FnSpec<fn(u32) -> u32, u32, u32>;

/// The message with which `call` panics.
fn panic_of<T>(call: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { panic!("it did not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn zero_specs_is_a_panic_at_the_call() {
    let none = Vec::<Identity>::new;
    let function = |x: u32| x;
    let messages = [
        panic_of(|| par_stateful(0..3, none())),
        panic_of(|| par_stateful_local(0..3, none())),
        panic_of(|| (0..3).par_stateful(none())),
        panic_of(|| par_stateful(0..0, worker_fn(function).times(0))),
        panic_of(|| scope(|s| drop(s.par_stateful(0..3, none())))),
    ];
    for message in messages {
        assert!(message.contains("`specs` is empty"), "{message}");
    }
    // Where no spec was written, none is spoken of.
    let messages = [
        panic_of(|| par_map(0..3, 0, function)),
        panic_of(|| (0..3).par_map(0, function)),
        panic_of(|| scope(|s| drop(s.par_map(0..3, 0, function)))),
    ];
    for message in messages {
        assert!(message.contains("`par_map` with 0 workers"), "{message}");
    }
}

#[test]
fn an_option_of_zero_is_a_panic_at_the_call() {
    let run = || par_map(0..3u32, 2, |x: u32| x);
    assert!(panic_of(|| run().max_in_flight(0)).contains("max_in_flight"));
    assert!(panic_of(|| run().chunk_size(0)).contains("chunk_size"));
}

#[test]
fn an_option_after_the_start_is_a_panic() {
    let run = || par_map(0..3u32, 2, |x: u32| x).start();
    assert!(panic_of(|| run().max_in_flight(1)).contains("max_in_flight"));
    assert!(panic_of(|| run().unordered()).contains("unordered"));
    assert!(panic_of(|| run().inline()).contains("`.inline(..)`"));
}

/// Sources without an item, of every kind of hint.
macro_rules! each_empty_source {
    (|$source:ident| $body:block) => {{
        {
            let $source = Vec::<u32>::new();
            $body
        }
        {
            let $source = (0..10u32).filter(|x| *x > 10);
            $body
        }
        {
            let $source = std::iter::from_fn(|| None::<u32>);
            $body
        }
    }};
}

#[test]
fn zero_items_is_an_empty_iterator() {
    for workers in [1, 4] {
        each_empty_source!(|empty| {
            each_way!(|start, way| {
                let built = Count::default();
                let (source, pulled) = counted(empty.clone());
                let spec = {
                    let built = built.clone();
                    init_fn(move || {
                        built.add();
                        Ok::<_, String>(|x: u32| x)
                    })
                };
                let mut results = start(source, spec.times(workers));
                assert_eq!(results.size_hint().0, 0);
                for _ in 0..3 {
                    assert!(results.next().is_none(), "{way:?}");
                }
                assert!(results.is_finished());
                assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
                assert_eq!((built.get(), pulled.get()), (0, 0), "{way:?}");
            });
        });
    }
}

#[test]
fn adaptors_of_an_empty_run_are_empty() {
    each_way!(|start, _way| {
        let specs = worker_fn(|x: u32| Ok::<_, String>(x)).times(2);
        assert!(start(Vec::new(), specs).flatten_errors().defer_errors().next().is_none());
    });
    each_way!(|start, _way| {
        let specs = worker_fn(|x: u32| x).times(2);
        assert!(start(Vec::new(), specs).stop_on_error().next().is_none());
    });
    each_way!(|start, _way| {
        let specs = worker_fn(|x: u32| x).times(2);
        assert!(start(Vec::new(), specs).propagate_panics().next().is_none());
    });
    let mut results = par_stateful(Vec::new(), worker_fn(|x: u32| x).times(2)).inline();
    assert!(results.next().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn zero_items_spawn_nothing() {
    use std::thread;

    use crate::util::process::alone;

    /// How many threads this process has ever started: std numbers them.
    fn started() -> u64 {
        let id = thread::spawn(|| thread::current().id()).join().unwrap();
        let digits = |c: char| c.is_ascii_digit();
        let text: String = format!("{id:?}").chars().filter(|&c| digits(c)).collect();
        text.parse().unwrap()
    }

    alone(|| {
        each_empty_source!(|empty| {
            each_way!(|start, way| {
                let before = started();
                assert!(start(empty.clone(), worker_fn(|x: u32| x).times(4)).next().is_none());
                assert_eq!(started(), before + 1, "{way:?}");
            });
        });
        each_way!(|start, way| {
            // The count can tell.
            let before = started();
            assert!(start([1], worker_fn(|x: u32| x).times(4)).next().is_some());
            assert_eq!(started(), before + 5, "{way:?}");
        });
    });
}
