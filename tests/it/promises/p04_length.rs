//! 4. Length: `size_hint` and `len` count the items still to be yielded, those in flight included.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mtask::{Spec, par_stateful, par_stateful_local, worker_fn};

use crate::util::{counted, each_way, eventually, watched};

#[test]
fn the_length_counts_what_is_still_to_be_yielded() {
    watched(|| {
        each_way!(|start, way| {
            let (source, pulled) = counted(0..20u32);
            let spec = worker_fn(|x: u32| if x % 3 == 0 { panic!("{x}") } else { x });
            let mut results = start(source, spec.times(3)).max_in_flight(8);
            for left in (0..20).rev() {
                assert_eq!(results.len(), left + 1, "{way:?}");
                assert!(results.next().is_some());
                assert_eq!(results.size_hint(), (left, Some(left)), "{way:?}");
            }
            assert_eq!(pulled.get(), 20);
            assert!(results.next().is_none());
            assert_eq!(results.size_hint(), (0, Some(0)));
        });
    });
}

#[test]
fn items_in_flight_are_counted() {
    watched(|| {
        each_way!(|start, way| {
            let (source, pulled) = counted(0..20u32);
            let results = start(source, worker_fn(|x: u32| x).times(2)).max_in_flight(8).start();
            let wanted = if way.start == "par_stateful_local" { 2 } else { 8 };
            eventually("items are in flight", || pulled.get() >= wanted);
            assert_eq!(results.len(), 20, "{way:?}");
        });
    });
}

#[test]
fn the_hint_of_a_source_of_unknown_size_is_less_what_was_yielded() {
    each_way!(|start, way| {
        let source = (0..20u32).filter(|x| x % 2 == 0);
        let mut results = start(source, worker_fn(|x: u32| x).times(2));
        assert_eq!(results.size_hint(), (0, Some(20)), "{way:?}");
        for yielded in 1..=10 {
            assert!(results.next().is_some());
            assert_eq!(results.size_hint(), (0, Some(20 - yielded)), "{way:?}");
        }
        assert!(results.next().is_none());
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
    each_way!(|start, way| {
        // At least three, and no upper bound.
        let rest = std::iter::successors(Some(3u32), |x| (*x < 9).then_some(x + 1));
        let source = (0..3u32).chain(rest.skip_while(|_| false));
        let (least, most) = source.size_hint();
        assert!(least >= 3 && most.is_none());
        let mut results = start(source, worker_fn(|x: u32| x).times(2));
        for yielded in 1..=10 {
            assert!(results.next().is_some());
            let left = least.saturating_sub(yielded);
            assert_eq!(results.size_hint(), (left, None), "{way:?}");
        }
        assert!(results.next().is_none());
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
}

#[test]
fn adaptors_keep_the_length_or_say_less() {
    each_way!(|start, way| {
        let specs = worker_fn(|x: u32| Ok::<_, String>(x)).times(2);
        let mut results = start(0..5u32, specs).flatten_errors();
        results.next();
        assert_eq!(results.len(), 4, "{way:?}");
    });
    each_way!(|start, way| {
        let mut results = start(0..5u32, worker_fn(|x: u32| x).times(2)).propagate_panics();
        results.next();
        assert_eq!(results.len(), 4, "{way:?}");
    });
    each_way!(|start, way| {
        let specs = worker_fn(|x: u32| assert!(x < 2)).times(1);
        let mut results = start(0..5u32, specs).stop_on_error();
        assert_eq!(results.size_hint(), (1, Some(5)), "{way:?}");
        assert!(results.next().unwrap().is_ok());
        assert_eq!(results.size_hint(), (1, Some(4)), "{way:?}");
        assert!(results.any(|result| result.is_err()));
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
    each_way!(|start, way| {
        let specs = worker_fn(|x: u32| assert!(x != 1)).times(1);
        let mut results = start(0..3u32, specs).defer_errors();
        assert_eq!(results.size_hint(), (1, Some(3)), "{way:?}");
        assert!(results.next().unwrap().is_ok());
        assert!(results.next().unwrap().is_ok());
        // The error has been seen, and is the one item left.
        assert_eq!(results.size_hint(), (1, Some(1)), "{way:?}");
        assert!(results.next().unwrap().is_err());
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
}

#[test]
fn inline_counts_too() {
    let mut results = par_stateful(0..3u32, worker_fn(|x: u32| x).times(2)).inline();
    for left in (0..3).rev() {
        assert!(results.next().is_some());
        assert_eq!(results.len(), left);
    }
    assert!(results.next().is_none());
    assert_eq!(results.len(), 0);
}

#[test]
fn after_an_error_in_place_of_the_run_nothing_is_left() {
    each_way!(|start, way| {
        let spec = mtask::init_fn(|| Err::<fn(u32) -> u32, _>("no"));
        let mut results = start(0..5u32, spec.times(2)).build_now();
        assert!(results.next().unwrap().is_err());
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
}

#[test]
fn after_a_panic_of_the_source_nothing_is_left() {
    watched(|| {
        each_way!(|start, way| {
            let source = (0..9u32).inspect(|&x| assert!(x < 3, "the source breaks"));
            let mut results = start(source, worker_fn(|x: u32| x).times(2));
            let all = catch_unwind(AssertUnwindSafe(|| results.by_ref().count()));
            assert!(all.is_err());
            assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
            assert!(results.is_finished(), "{way:?}");
        });
        let source = (0..9u32).inspect(|&x| assert!(x < 3, "the source breaks"));
        let mut results = par_stateful(source, worker_fn(|x: u32| x).times(2)).inline();
        assert!(catch_unwind(AssertUnwindSafe(|| results.by_ref().count())).is_err());
        assert_eq!(results.size_hint(), (0, Some(0)), "inline");
        assert!(results.is_finished(), "inline");
    });
}

/// What `len` and std's adaptors rely on, asked at any time in a run that is cancelled: lower and upper
/// bound are equal, no larger than before, and at the end exactly what came.
fn stays_exact<R: ExactSizeIterator>(
    mut results: R,
    way: &str,
    cancel_at: usize,
    cancel: impl Fn(),
) {
    let mut left = results.len();
    let mut known = None;
    for yielded in 0.. {
        if yielded == cancel_at {
            cancel();
        }
        let (least, most) = results.size_hint();
        assert_eq!(Some(least), most, "{way}, {yielded} yielded");
        // What was pulled may have become known meanwhile.
        let len = results.len();
        assert!(len <= least && least <= left, "{way}, {yielded} yielded: {len}, {least}, {left}");
        if yielded > cancel_at && len < left - 1 {
            // Pulled, and no more: from here on it is exactly what comes.
            assert_eq!(known, None, "{way}: what was pulled was known before");
            known = Some(len);
        }
        if results.next().is_none() {
            assert!(known.is_none_or(|_| len == 0), "{way}: {len} more were promised");
            assert_eq!(results.size_hint(), (0, Some(0)), "{way}");
            return;
        }
        left = len;
    }
}

#[test]
fn the_bounds_are_equal_at_all_times_in_a_run_that_is_cancelled() {
    watched(|| {
        for at in [0, 1, 3, 50] {
            each_way!(|start, way| {
                let call = |x: u32| if x % 7 == 3 { Err("no") } else { Ok(x) };
                let way = format!("{way:?}, cancelled at {at}");
                let run = || start(0..100_000u32, worker_fn(call).times(2)).max_in_flight(8);
                let run = run();
                let handle = run.cancel_handle();
                match at {
                    0 => stays_exact(run, &way, at, || handle.cancel()),
                    1 => stays_exact(run.flatten_errors(), &way, at, || handle.cancel()),
                    3 => {
                        stays_exact(run.propagate_panics().peekable(), &way, at, || handle.cancel())
                    }
                    _ => stays_exact(run.zip(0..100_000).enumerate(), &way, at, || handle.cancel()),
                }
            });
        }
        for at in [0, 3] {
            let run = par_stateful(0..100u32, worker_fn(|x: u32| x).times(2)).inline();
            let handle = run.cancel_handle();
            stays_exact(run, "inline", at, || handle.cancel());
            let mut pool = mtask::Pool::new(worker_fn(|x: u32| x).times(2));
            let run = pool.map(0..100_000u32);
            let handle = run.cancel_handle();
            stays_exact(run, "pool", at, || handle.cancel());
        }
    });
}

#[test]
fn a_stage_that_is_cancelled_leaves_the_next_one_exact() {
    watched(|| {
        let first = par_stateful(0..100_000u32, worker_fn(|x: u32| x).times(2)).max_in_flight(8);
        let handle = first.cancel_handle();
        let first = first.map(Result::unwrap);
        let second = par_stateful(first, worker_fn(|x: u32| x).times(2)).max_in_flight(8);
        stays_exact(second, "second stage", 5, || handle.cancel());
    });
}

#[test]
fn what_was_pulled_is_known_at_once_where_the_consumer_pulls() {
    watched(|| {
        let specs = worker_fn(|x: u32| x).times(2);
        let mut results = par_stateful_local(0..1000u32, specs).max_in_flight(8);
        results.next();
        results.cancel_handle().cancel();
        results.next();
        let left = results.len();
        assert!(left < 8, "{left} are left of a window of 8");
        assert_eq!(results.count(), left);
    });
}

#[test]
fn what_is_left_of_an_endless_source_can_be_collected_after_a_cancel() {
    watched(|| {
        each_way!(|start, way| {
            let mut results = start(0_usize.., worker_fn(|x: usize| x).times(2));
            assert!(results.next().is_some());
            results.cancel_handle().cancel();
            assert!(results.size_hint().0 < 5_000, "{way:?}: {:?}", results.size_hint());
            let rest: Vec<_> = results.collect();
            assert!(rest.len() < 5_000, "{way:?}");
        });
    });
}
