//! `.retries(n)`: what failed is tried again on the same worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mtask::{
    Pool, Retry, Spec, TaskError, TaskErrorKind, init_fn, par_map, par_stateful,
    par_stateful_local, par_stateful_try, scope, worker_fn,
};

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
                let errors: usize = stats.workers.iter().map(|worker| worker.errors).sum();
                assert_eq!((stats.errors, errors), (0, 0), "{stats}");
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
fn a_failed_build_is_no_attempt() {
    watched(|| {
        let builds = Count::default();
        let counted = builds.clone();
        let spec = init_fn(move || match counted.add() {
            0 => Err("no device"),
            _ => Ok(|x: usize| x),
        });
        let mut results = par_stateful(0..3, spec.times(1)).retries(5);
        assert!(results.by_ref().map(Result::unwrap).eq(0..3));
        assert_eq!((results.stats().retries, results.stats().failed_builds), (0, 1));
    });
}

#[test]
fn it_waits_before_each_further_time_and_a_cancel_ends_the_wait() {
    watched(|| {
        let (call, _) = failing(2, false);
        let start = Instant::now();
        let delay = Duration::from_millis(20);
        assert_eq!(
            par_map([7], 1, call).retry(Retry::times(2).delay(delay)).flatten_errors().count(),
            1
        );
        assert!(start.elapsed() >= delay, "half of it twice, at the least");

        let gate = Gate::default();
        let passed = gate.clone();
        gate.open();
        let call = move |x: usize| {
            passed.pass();
            if x == 1 { Err("no") } else { Ok(x) }
        };
        let hour = Duration::from_secs(3_600);
        let mut results =
            par_map(0..2, 2, call).retry(Retry::times(9).delay(hour)).flatten_errors();
        results.next();
        gate.wait_for(2);
        drop(results); // and does not take an hour
    });
}

/// The results of a run, whatever the front: all are `Ok` if every item is tried again.
fn all_well(results: impl Iterator<Item = Result<usize, TaskError>>) {
    let results: Vec<_> = results.collect();
    assert!(results.iter().map(|result| result.as_ref().unwrap()).eq(&(0..50).collect::<Vec<_>>()));
}

#[test]
fn a_start_behind_the_adaptor_loses_no_retry_at_any_front() {
    watched(|| {
        for panics in [true, false] {
            let call = || failing(2, panics).0;
            let specs = || worker_fn(call()).times(2);
            let source = || (0..50).map(Ok::<usize, TaskError>);
            all_well(par_map(0..50, 2, call()).retries(3).flatten_errors().start());
            let local = par_stateful_local(0..50, specs());
            all_well(local.retries(3).flatten_errors().start());
            let staged = par_stateful_try(source(), specs());
            all_well(staged.retries(3).flatten_errors().start());
            let mut pool = Pool::new(specs());
            all_well(pool.map(0..50).retries(3).flatten_errors().start());
            scope(|s| all_well(s.par_map(0..50, 2, call()).retries(3).flatten_errors().start()));
            let flat = || par_map(0..50, 2, call()).retries(3).flatten_errors();
            all_well(flat().stop_on_error().start());
            assert!(flat().defer_errors().start().map(Result::unwrap).eq(0..50));
        }
        let run = || par_map(0..50, 2, failing(2, true).0).retries(3);
        assert!(run().stop_on_error().start().map(|x| x.unwrap().unwrap()).eq(0..50));
        assert!(run().defer_errors().start().map(|x| x.unwrap().unwrap()).eq(0..50));
        assert!(run().propagate_panics().start().map(Result::unwrap).eq(0..50));
    });
}

#[test]
fn a_start_behind_an_adaptor_starts() {
    watched(|| {
        let begun = |start: &dyn Fn(Gate) -> Box<dyn std::any::Any>| {
            let gate = Gate::default();
            let _run = start(gate.clone());
            gate.wait_for(1);
            gate.open();
        };
        let run = |gate: Gate| {
            par_map(0..9, 2, move |x: usize| {
                gate.pass();
                Ok::<_, String>(x)
            })
        };
        begun(&|gate| Box::new(run(gate).flatten_errors().start()));
        begun(&|gate| Box::new(run(gate).stop_on_error().start()));
        begun(&|gate| Box::new(run(gate).defer_errors().start()));
        begun(&|gate| Box::new(run(gate).propagate_panics().start()));
        begun(&|gate| Box::new(run(gate).flatten_errors().stop_on_error().start()));
        begun(&|gate| Box::new(run(gate).flatten_errors().defer_errors().start()));
    });
}

#[test]
fn errors_are_flattened_before_a_start_with_retries_or_the_panic_says_so() {
    watched(|| {
        let text = |flatten: &dyn Fn()| {
            let payload = catch_unwind(AssertUnwindSafe(flatten)).unwrap_err();
            (*payload.downcast_ref::<&str>().unwrap()).to_owned()
        };
        let call = || failing(2, false).0;
        let mut pool = Pool::new(worker_fn(call()).times(2));
        let pool = std::cell::RefCell::new(&mut pool);
        let all: [&dyn Fn(); 6] = [
            &|| drop(par_map(0..9, 2, call()).retries(3).start().flatten_errors()),
            &|| {
                let mut run = par_map(0..9, 2, call()).retries(3);
                run.next();
                drop(run.flatten_errors());
            },
            &|| {
                let mut run = par_map(0..9, 2, call()).retries(3);
                run.by_ref().for_each(drop);
                drop(run.flatten_errors());
            },
            &|| {
                let run = par_stateful_local(0..9, worker_fn(call()).times(2));
                drop(run.retries(3).start().flatten_errors());
            },
            &|| {
                let run = par_stateful_try((0..9).map(Ok), worker_fn(call()).times(2));
                drop(run.retries(3).start().flatten_errors());
            },
            &|| drop(pool.borrow_mut().map(0..9).retries(3).start().flatten_errors()),
        ];
        for flatten in all {
            let text = text(flatten);
            assert!(text.contains("`.flatten_errors()` came after the run had started"), "{text}");
            assert!(text.contains("`.retries(3).flatten_errors().start()`"), "{text}");
        }
        // Without retries nothing is lost by it, and an attempt is one.
        let errors = |run: Box<dyn Iterator<Item = Result<usize, TaskError>>>| {
            let errors: Vec<_> = run.map(|result| result.unwrap_err().attempts()).collect();
            assert_eq!(errors, [1; 9]);
        };
        errors(Box::new(par_map(0..9, 2, call()).start().flatten_errors()));
        errors(Box::new(par_map(0..9, 2, call()).retries(5).retries(0).start().flatten_errors()));
    });
}

#[test]
fn an_error_has_the_attempts_that_were_made_and_not_those_it_might_have_had() {
    watched(|| {
        for panics in [true, false] {
            let (call, calls) = failing(usize::MAX, panics);
            let hour = Duration::from_secs(3_600);
            let retried = par_map(0..1, 1, call).retry(Retry::times(100).delay(hour));
            let handle = retried.cancel_handle();
            let mut run = retried.flatten_errors().start();
            while calls[0].load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            handle.cancel();
            let error = run.next().unwrap().unwrap_err();
            assert_eq!((error.attempts(), calls[0].load(Ordering::Relaxed)), (1, 1), "{error}");
            assert!(!error.to_string().contains("attempt"), "{error}");
        }
    });
}

#[test]
fn an_item_waits_for_the_build_before_its_next_attempt() {
    watched(|| {
        let builds = Count::default();
        let counted = builds.clone();
        let spec = init_fn(move || match counted.add() {
            0 => Ok((|_| panic!("no")) as fn(usize) -> usize),
            1 | 2 => Err("no device"),
            _ => Ok((|x| x) as fn(usize) -> usize),
        });
        let mut results = par_stateful(7..8, spec.times(1)).retries(5);
        assert_eq!(results.next().unwrap().unwrap(), 7);
        assert_eq!((results.stats().retries, results.stats().failed_builds), (1, 2));
    });
}

#[test]
fn what_is_counted_as_an_error_is_an_item_and_not_an_attempt() {
    watched(|| {
        for panics in [true, false] {
            let (call, _) = failing(usize::MAX, panics);
            let mut run = par_map(0..7, 2, call).retries(3).flatten_errors();
            assert_eq!(run.by_ref().filter(Result::is_err).count(), 7);
            let stats = run.get_ref().stats();
            let errors: usize = stats.workers.iter().map(|worker| worker.errors).sum();
            assert_eq!((stats.yielded, stats.errors, errors, stats.retries), (7, 7, 7, 21));
        }
    });
}

#[test]
fn it_is_the_same_inline_and_where_the_consumer_pulls() {
    watched(|| {
        let (call, _) = failing(2, true);
        let specs = worker_fn(call).times(2);
        let run = par_stateful_local(0..50, specs).retries(2).flatten_errors();
        assert!(run.map(Result::unwrap).eq(0..50));
        let (call, _) = failing(2, true);
        let run = par_map(0..50, 2, call).retries(2).inline().flatten_errors();
        assert!(run.map(Result::unwrap).eq(0..50));
    });
}
