//! How a run ends that is awaited.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use mtask::{ParStatefulStreamExt, Spec, par_map, worker_fn};

use super::{Woken, poll, received, runtimes};
use crate::util::{Count, Gate, counted, eventually, settle, watched};

#[cfg(target_os = "linux")]
#[test]
fn an_early_drop_leaves_no_thread() {
    use crate::util::process::{alone, threads, wait_for_threads};
    alone(|| {
        let before = threads();
        for taken in 0..5_usize {
            let (sent, source) = tokio::sync::mpsc::channel(10);
            (0..10).for_each(|x| sent.try_send(x).unwrap());
            let mut results =
                received(source).par_stateful_stream(worker_fn(|x: usize| x).times(3));
            futures_executor::block_on(async {
                for expected in 0..taken {
                    assert_eq!(results.next().await.unwrap().unwrap(), expected);
                }
            });
            assert_eq!(threads(), before + if taken == 0 { 0 } else { 3 });
            drop(results);
            wait_for_threads(before);

            let mut results = par_map(0.., 3, |x: usize| x).into_stream();
            futures_executor::block_on(results.by_ref().take(taken).for_each(async |_| {}));
            drop(results);
            wait_for_threads(before);
        }
        // One that waits, in a task that is aborted.
        for runtime in runtimes() {
            let with_runtime = threads();
            let call = |x: usize| {
                thread::sleep(Duration::from_millis(5));
                x
            };
            let results = stream::iter(0..).par_stateful_stream(worker_fn(call).times(3));
            let task = runtime.spawn(results.for_each(async |_| {}));
            runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
            task.abort();
            assert!(runtime.block_on(task).unwrap_err().is_cancelled());
            wait_for_threads(with_runtime);
        }
    });
}

#[test]
fn what_is_in_hand_is_finished_and_what_nobody_took_is_dropped() {
    watched(|| {
        let (gate, tokens) = (Gate::default(), Count::default());
        let passed = gate.clone();
        let call = move |token| {
            passed.pass();
            token
        };
        let made = tokens.clone();
        let source = stream::iter(0..10).map(move |_| made.token());
        let mut results = source.par_stateful_stream(worker_fn(call).times(2)).max_in_flight(6);
        let (_, waker) = Woken::new();
        assert!(poll(&mut results, &waker).is_pending());
        gate.wait_for(2);
        let opener = gate.clone();
        let other = thread::spawn(move || {
            settle();
            opener.open();
        });
        drop(results);
        assert!(gate.is_open());
        assert_eq!((gate.came(), tokens.get()), (2, 0));
        other.join().unwrap();
    });
}

#[test]
fn a_shutdown_timeout_holds_up_no_executor() {
    watched(|| {
        let gate = Gate::default();
        let passed = gate.clone();
        let call = move |x: usize| {
            passed.pass();
            x
        };
        let mut results = stream::iter(0..10)
            .par_stateful_stream(worker_fn(call).times(2))
            .shutdown_timeout(Duration::from_millis(5));
        let (_, waker) = Woken::new();
        assert!(poll(&mut results, &waker).is_pending());
        gate.wait_for(2);
        let start = Instant::now();
        drop(results);
        assert!(!gate.is_open() && start.elapsed() < Duration::from_secs(5));
        gate.open();
    });
}

#[test]
fn a_cancel_wakes_the_task_and_gives_what_was_pulled() {
    watched(|| {
        for runtime in runtimes() {
            // While the stream has nothing, before and after its first item.
            for first in 0..3 {
                let (sent, source) = tokio::sync::mpsc::channel(4);
                (0..first).for_each(|x| sent.try_send(x).unwrap());
                let results = received(source).par_stateful_stream(worker_fn(|x: i32| x).times(2));
                let handle = results.cancel_handle();
                let task = runtime.spawn(results.map(Result::unwrap).collect::<Vec<_>>());
                let other = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(2));
                    handle.cancel();
                });
                let seen = runtime.block_on(task).unwrap();
                assert!(seen.iter().copied().eq(0..seen.len() as i32));
                other.join().unwrap();
                drop(sent);
            }
            // While an iterator blocks.
            let (sent, source) = std::sync::mpsc::channel();
            let calls = Count::default();
            let called = calls.clone();
            let call = move |x: i32| {
                called.add();
                x
            };
            let results = par_map(source, 2, call).into_stream();
            let handle = results.cancel_handle();
            sent.send(0).unwrap();
            let task = runtime.spawn(results.map(Result::unwrap).collect::<Vec<_>>());
            let other = thread::spawn(move || {
                eventually("the item is run", || calls.get() == 1);
                handle.cancel();
            });
            assert_eq!(runtime.block_on(task).unwrap(), [0]);
            other.join().unwrap();
            drop(sent);
        }
    });
}

#[test]
fn a_cancel_before_the_start_lets_nothing_happen() {
    watched(|| {
        let (source, pulled) = counted(0..10);
        let mut results = stream::iter(source).par_stateful_stream(worker_fn(|x: i32| x).times(2));
        results.cancel_handle().cancel();
        assert!(futures_executor::block_on(results.next()).is_none());
        assert_eq!(pulled.get(), 0);
    });
}

#[test]
fn a_source_that_panics_does_so_in_the_consumer_after_what_was_pulled() {
    watched(|| {
        for from_stream in [true, false] {
            let torn = |x: i32| if x == 3 { panic!("torn") } else { x };
            let mut results = if from_stream {
                let source = stream::iter(0..10).map(torn);
                source.par_stateful_stream(worker_fn(|x: i32| x).times(2)).boxed_local()
            } else {
                par_map((0..10).map(torn), 2, |x: i32| x).into_stream().boxed_local()
            };
            for expected in 0..3 {
                let next = futures_executor::block_on(results.next());
                assert_eq!(next.unwrap().unwrap(), expected);
            }
            let panicked =
                catch_unwind(AssertUnwindSafe(|| futures_executor::block_on(results.next())));
            assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"torn"));
            assert!(futures_executor::block_on(results.next()).is_none());
        }
    });
}

#[test]
fn the_source_is_dropped_at_its_end_and_not_asked_again() {
    watched(|| {
        let (tokens, polls) = (Count::default(), Count::default());
        let (token, polled) = (tokens.token(), polls.clone());
        let gate = Gate::default();
        let passed = gate.clone();
        let source = stream::poll_fn(move |_| {
            let _token = &token;
            Poll::Ready((polled.add() == 0).then_some(7))
        });
        let call = move |x: i32| {
            passed.pass();
            x
        };
        let mut results = source.par_stateful_stream(worker_fn(call).times(2));
        let (woken, waker) = Woken::new();
        assert!(poll(&mut results, &waker).is_pending());
        assert_eq!((tokens.get(), polls.get()), (0, 2));
        gate.open();
        eventually("the task is woken", || woken.get() > 0);
        futures_executor::block_on(poll_fn(|task| {
            let next = results.poll_next_unpin(task);
            next.map(|next| assert_eq!(next.unwrap().unwrap(), 7))
        }));
        assert!(futures_executor::block_on(results.next()).is_none());
        assert_eq!(polls.get(), 2);
    });
}
