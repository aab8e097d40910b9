//! 16. What a run says of itself is what happened: `ended()` says how it ended, before and behind adaptors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mtask::prelude::*;

use crate::util::{each_way, watched};

#[test]
fn complete_is_said_once_every_item_was_yielded() {
    watched(|| {
        each_way!(|start, way| {
            let mut run = start(0..10u32, worker_fn(|x: u32| x).times(2));
            let handle = run.cancel_handle();
            assert_eq!((run.ended(), handle.ended()), (None, None), "{way:?}");
            assert_eq!(run.by_ref().take(10).count(), 10);
            assert_eq!(run.ended(), None, "its `None` is to come: {way:?}");
            // It comes too late to cut anything off.
            handle.cancel();
            assert!(run.next().is_none());
            assert_eq!(run.ended(), Some(Ended::Complete), "{way:?}");
            drop(run);
            assert_eq!(handle.ended(), Some(Ended::Complete), "{way:?}");
        });
        let mut run = par_map(0..10, 1, |x: u32| x).inline();
        assert_eq!(run.by_ref().count(), 10);
        assert_eq!(run.ended(), Some(Ended::Complete));
        // Items that fail are yielded too.
        let run = par_map([1u32, 0], 1, |x| 10 / x);
        let handle = run.cancel_handle();
        assert_eq!(run.filter(Result::is_err).count(), 1);
        assert_eq!(handle.ended(), Some(Ended::Complete));
        let run = par_map(0..0, 1, |x: u32| x);
        let handle = run.cancel_handle();
        assert_eq!(run.count(), 0);
        assert_eq!(handle.ended(), Some(Ended::Complete));
    });
}

#[test]
fn a_cancel_that_cuts_off_is_said() {
    watched(|| {
        each_way!(|start, way| {
            let mut run = start(0.., worker_fn(|x: u32| x).times(2)).max_in_flight(4);
            assert!(run.next().is_some());
            run.cancel_handle().cancel();
            run.by_ref().for_each(drop);
            assert_eq!(run.ended(), Some(Ended::Cancelled), "{way:?}");
        });
        each_way!(|start, way| {
            let run = start(0.., worker_fn(|x: u32| x).times(2));
            let handle = run.cancel_handle();
            handle.cancel();
            assert_eq!((run.count(), handle.ended()), (0, Some(Ended::Cancelled)), "{way:?}");
        });
    });
}

#[test]
fn a_run_that_is_left_has_stopped() {
    watched(|| {
        each_way!(|start, way| {
            let mut run = start(0.., worker_fn(|x: u32| x).times(2)).max_in_flight(4);
            let handle = run.cancel_handle();
            assert!(run.next().is_some());
            drop(run);
            assert_eq!(handle.ended(), Some(Ended::Stopped), "{way:?}");
        });
        // As one that was never begun.
        each_way!(|start, way| {
            let run = start(0..3u32, worker_fn(|x: u32| x).times(2));
            let handle = run.cancel_handle();
            drop(run);
            assert_eq!(handle.ended(), Some(Ended::Stopped), "{way:?}");
        });
        let fails = |x: u32| if x == 3 { Err("three") } else { Ok(x) };
        let mut run = par_map(0..1_000, 2, fails).flatten_errors().stop_on_error();
        assert_eq!(run.by_ref().count(), 4);
        assert_eq!(run.ended(), Some(Ended::Stopped));
        let run = par_map([0u32], 1, |x| 10 / x).propagate_panics();
        let handle = run.cancel_handle();
        assert!(catch_unwind(AssertUnwindSafe(|| run.count())).is_err());
        assert_eq!(handle.ended(), Some(Ended::Stopped), "by its consumer's panic");
    });
}

#[test]
fn a_panic_of_the_source_and_a_failed_start_are_said() {
    watched(|| {
        each_way!(|start, way| {
            let source = (0..9u32).inspect(|&x| assert!(x < 3, "the source breaks"));
            let mut run = start(source, worker_fn(|x: u32| x).times(2));
            assert!(catch_unwind(AssertUnwindSafe(|| run.by_ref().count())).is_err());
            assert_eq!(run.ended(), Some(Ended::SourcePanicked), "{way:?}");
        });
        each_way!(|start, way| {
            let spec = init_fn(|| Err::<fn(u32) -> u32, _>("no"));
            let mut run = start(0..5u32, spec.times(2)).build_now();
            assert_eq!(run.by_ref().count(), 1);
            assert_eq!(run.ended(), Some(Ended::StartFailed), "{way:?}");
        });
    });
}

#[test]
fn a_run_without_workers_says_so() {
    watched(|| {
        each_way!(|start, way| {
            let spec = init_fn(|| Err::<fn(u32) -> u32, _>("no"));
            let mut run = start(0..50u32, spec.times(2));
            assert!(run.by_ref().all(|item| item.is_err()));
            assert_eq!(run.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
        });
    });
}

#[test]
fn each_adaptor_says_it() {
    watched(|| {
        let run = || par_map(0..10, 2, |x: u32| if x < 10 { Ok(x) } else { Err("no") });
        macro_rules! completes {
            ($($run:expr),*) => { $({
                let mut items = $run;
                assert_eq!(items.ended(), None);
                assert_eq!(items.by_ref().count(), 10);
                assert_eq!(items.ended(), Some(Ended::Complete));
            })* };
        }
        completes!(
            run().flatten_errors(),
            run().stop_on_error(),
            run().defer_errors(),
            run().propagate_panics(),
            run().flatten_errors().stop_on_error(),
            run().flatten_errors().defer_errors()
        );
    });
}

#[test]
#[cfg(feature = "stream")]
fn a_stream_says_it() {
    use futures_util::StreamExt;

    watched(|| {
        let run = || {
            par_stateful_stream(futures_util::stream::iter(0..9), worker_fn(|x: u32| x).times(2))
        };
        let mut items = run();
        assert_eq!(items.ended(), None);
        assert_eq!(futures_executor::block_on(items.by_ref().count()), 9);
        assert_eq!(items.ended(), Some(Ended::Complete));
        let items = run();
        let handle = items.cancel_handle();
        drop(items);
        assert_eq!(handle.ended(), Some(Ended::Stopped));
    });
}
