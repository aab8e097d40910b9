//! 1. Lazy: nothing is pulled, spawned or built before the first `next()` or `.start()`.

use std::time::Duration;

use mtask::{Spec, init_fn, par_stateful, par_stateful_local};

use crate::util::{Count, counted, each_way, eventually, settle};

#[test]
fn nothing_is_pulled_or_built_before_the_first_next() {
    each_way!(|start, way| {
        let built = Count::default();
        let (source, pulled) = counted(0..10u32);
        let spec = {
            let built = built.clone();
            init_fn(move || {
                built.add();
                Ok::<_, String>(|x: u32| x)
            })
        };
        let mut results = start(source, spec.times(3))
            .max_in_flight(4)
            .chunk_size(2)
            .build_now()
            .shutdown_timeout(Duration::from_secs(60));
        assert_eq!(results.size_hint(), (10, Some(10)));
        settle();
        assert_eq!((pulled.get(), built.get()), (0, 0), "{way:?}");
        assert!(results.next().is_some());
        assert!(pulled.get() > 0 && built.get() == 3, "{way:?}");
    });
}

#[test]
fn adaptors_do_not_start_a_run() {
    each_way!(|start, way| {
        let (source, pulled) = counted(0..10u32);
        let specs = mtask::worker_fn(|x: u32| Ok::<_, String>(x)).times(2);
        let mut results = start(source, specs).flatten_errors().stop_on_error();
        assert_eq!(results.size_hint(), (1, Some(10)));
        settle();
        assert_eq!(pulled.get(), 0, "{way:?}");
        assert!(results.next().is_some());
        assert!(pulled.get() > 0, "{way:?}");
    });
    each_way!(|start, way| {
        let (source, pulled) = counted(0..10u32);
        let specs = mtask::worker_fn(|x: u32| x).times(2);
        let mut results = start(source, specs).defer_errors();
        settle();
        assert_eq!(pulled.get(), 0, "{way:?}");
        assert!(results.next().is_some());
    });
    each_way!(|start, way| {
        let (source, pulled) = counted(0..10u32);
        let specs = mtask::worker_fn(|x: u32| x).times(2);
        let mut results = start(source, specs).propagate_panics();
        settle();
        assert_eq!(pulled.get(), 0, "{way:?}");
        assert!(results.next().is_some());
    });
}

#[test]
fn start_begins_without_next() {
    each_way!(|start, way| {
        let built = Count::default();
        let (source, pulled) = counted(0..10u32);
        let spec = {
            let built = built.clone();
            init_fn(move || {
                built.add();
                Ok::<_, String>(|x: u32| x)
            })
        };
        let results = start(source, spec.times(2)).start();
        eventually("a started run pulls and builds", || pulled.get() > 0 && built.get() > 0);
        assert_eq!(results.count(), 10, "{way:?}");
    });
}

#[test]
fn a_run_that_never_starts_leaves_its_source_alone() {
    each_way!(|start, way| {
        let alive = Count::default();
        let token = alive.token();
        let (source, pulled) = counted((0..10u32).inspect(move |_| drop(token.clone())));
        drop(start(source, mtask::worker_fn(|x: u32| x).times(2)));
        assert_eq!((pulled.get(), alive.get()), (0, 0), "{way:?}");
    });
}

#[test]
fn inline_is_lazy_too() {
    let built = Count::default();
    let spec = {
        let built = built.clone();
        init_fn(move || {
            built.add();
            Ok::<_, String>(|x: u32| x)
        })
    };
    let (source, pulled) = counted(0..10u32);
    let mut results = par_stateful(source, spec.clone().times(2)).inline();
    assert_eq!((pulled.get(), built.get()), (0, 0));
    assert!(results.next().is_some());
    assert_eq!((pulled.get(), built.get()), (1, 1));

    let (source, pulled) = counted(0..10u32);
    let mut results = par_stateful_local(source, spec.times(2)).inline();
    assert_eq!((pulled.get(), built.get()), (0, 1));
    assert!(results.next().is_some());
    assert_eq!((pulled.get(), built.get()), (1, 2));
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_spawned_before_the_first_next() {
    use crate::util::process::{alone, threads, wait_for_threads};

    alone(|| {
        each_way!(|start, way| {
            let before = threads();
            let mut results = start(0..10u32, mtask::worker_fn(|x: u32| x).times(3)).build_now();
            assert_eq!(threads(), before, "{way:?}");
            // A window of one keeps the run from ending, and its threads with it.
            results = results.max_in_flight(1);
            assert!(results.next().is_some());
            assert_eq!(threads(), before + 3, "{way:?}");
            drop(results);
            wait_for_threads(before);
        });
        let before = threads();
        let specs = mtask::worker_fn(|x: u32| x).times(3);
        let mut results = par_stateful(0..10u32, specs).inline();
        assert!(results.next().is_some());
        assert_eq!(threads(), before, "inline spawns nothing at all");
    });
}
