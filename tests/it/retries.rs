//! `.retries(n)`: what failed is tried again on the same worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mtask::{Spec, TaskErrorKind, init_fn, par_map, par_stateful, par_stateful_local};

use crate::util::{Count, Gate, watched};

/// A function that fails the first `n` times for each item: by a panic, or by an error.
fn failing(
    n: usize,
    panics: bool,
) -> (impl FnMut(usize) -> Result<usize, String> + Clone + Send + 'static, Arc<Vec<AtomicUsize>>) {
    let calls: Arc<Vec<AtomicUsize>> = Arc::new((0..50).map(|_| AtomicUsize::new(0)).collect());
    let counted = Arc::clone(&calls);
    let call = move |x: usize| {
        if counted[x].fetch_add(1, Ordering::Relaxed) >= n {
            return Ok(x);
        }
        if panics {
            panic!("not yet");
        }
        Err("not yet".to_owned())
    };
    (call, calls)
}

#[test]
fn what_fails_is_tried_again_until_it_does_not() {
    watched(|| {
        for panics in [true, false] {
            for unordered in [true, false] {
                let (call, calls) = failing(2, panics);
                let run = par_map(0..50, 3, call).retries(2);
                let run = if unordered { run.unordered() } else { run };
                let mut run = run.flatten_errors();
                let mut seen: Vec<_> = run.by_ref().map(Result::unwrap).collect();
                if unordered {
                    seen.sort_unstable();
                }
                assert!(seen.into_iter().eq(0..50));
                assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 3));
                let stats = run.get_ref().stats();
                assert_eq!(stats.retries, 100);
                assert_eq!(stats.panics, if panics { 100 } else { 0 });
            }
        }
    });
}

#[test]
fn the_last_failure_is_the_items_and_tells_how_often_it_was_begun() {
    watched(|| {
        for panics in [true, false] {
            let (call, calls) = failing(usize::MAX, panics);
            let results: Vec<_> = par_map(0..5, 2, call).retries(3).flatten_errors().collect();
            for (index, result) in results.into_iter().enumerate() {
                let error = result.unwrap_err();
                assert_eq!((error.index(), error.attempts()), (Some(index), 4));
                let kind = if panics { TaskErrorKind::Panicked } else { TaskErrorKind::Failed };
                assert_eq!(error.kind(), kind);
                assert!(error.to_string().ends_with("(at attempt 4)"), "{error}");
                assert_eq!(calls[index].load(Ordering::Relaxed), 4);
            }
        }
    });
}

#[test]
fn without_it_an_item_is_run_once_and_an_output_is_no_failure_where_it_is_not_flattened() {
    watched(|| {
        let (call, calls) = failing(1, false);
        assert_eq!(par_map(0..5, 2, call).flatten_errors().filter(Result::is_err).count(), 5);
        assert!(calls[..5].iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
        let (call, calls) = failing(1, false);
        let results = par_map(0..5, 2, call).retries(3);
        assert_eq!(results.filter(|result| result.as_ref().unwrap().is_err()).count(), 5);
        assert!(calls[..5].iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
    });
}

#[test]
fn a_failed_build_has_tries_of_its_own() {
    watched(|| {
        let builds = Count::default();
        let counted = builds.clone();
        let spec = init_fn(move || match counted.add() {
            0 => Err("no device"),
            _ => Ok(|x: usize| x),
        });
        let mut results = par_stateful(0..3, spec.times(1)).retries(5);
        let error = results.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (TaskErrorKind::BuildFailed, 1));
        assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn it_waits_before_each_further_time_and_a_cancel_ends_the_wait() {
    watched(|| {
        let (call, _) = failing(2, false);
        let start = Instant::now();
        let delay = Duration::from_millis(20);
        assert_eq!(par_map([7], 1, call).retries_after(2, delay).flatten_errors().count(), 1);
        assert!(start.elapsed() >= 2 * delay);

        let gate = Gate::default();
        let passed = gate.clone();
        gate.open();
        let call = move |x: usize| {
            passed.pass();
            if x == 1 { Err("no") } else { Ok(x) }
        };
        let hour = Duration::from_secs(3_600);
        let mut results = par_map(0..2, 2, call).retries_after(9, hour).flatten_errors();
        results.next();
        gate.wait_for(2);
        drop(results); // and does not take an hour
    });
}

#[test]
fn it_is_the_same_inline_and_where_the_consumer_pulls() {
    watched(|| {
        let (call, _) = failing(2, true);
        let specs = mtask::worker_fn(call).times(2);
        let run = par_stateful_local(0..50, specs).retries(2).flatten_errors();
        assert!(run.map(Result::unwrap).eq(0..50));
        let (call, _) = failing(2, true);
        let run = par_map(0..50, 2, call).retries(2).inline().flatten_errors();
        assert!(run.map(Result::unwrap).eq(0..50));
    });
}
