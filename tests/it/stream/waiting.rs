//! Nothing is lost and nothing is busy while a task waits.

use std::thread;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use mtask::{ParStatefulStreamExt, Spec, par_stateful, worker_fn};

use super::{Woken, poll, received, runtimes};
use crate::util::{Count, Gate, Random, eventually, settle, watched, watched_for};

#[test]
fn results_are_given_while_the_stream_has_nothing_for_long() {
    watched(|| {
        for runtime in runtimes() {
            for unordered in [false, true] {
                let (sent, source) = tokio::sync::mpsc::channel(4);
                let results = received(source).par_stateful_stream(worker_fn(|x: i32| x).times(2));
                let mut results = if unordered { results.unordered() } else { results };
                runtime.block_on(async move {
                    for x in 0..20 {
                        sent.send(x).await.unwrap();
                        // The stream stays pending, and the one result comes.
                        assert_eq!(results.next().await.unwrap().unwrap(), x);
                        let more = tokio::time::timeout(Duration::from_millis(2), results.next());
                        assert!(more.await.is_err());
                    }
                    drop(sent);
                    assert!(results.next().await.is_none());
                });
            }
        }
    });
}

#[test]
fn an_iterator_that_blocks_holds_up_no_task() {
    watched(|| {
        let [runtime, _] = runtimes();
        let (sent, source) = std::sync::mpsc::channel();
        let mut results = par_stateful(source, worker_fn(|x: i32| x).times(2)).into_stream();
        runtime.block_on(async move {
            for x in 0..20 {
                let more = tokio::time::timeout(Duration::from_millis(2), results.next());
                assert!(more.await.is_err());
                sent.send(x).unwrap();
                assert_eq!(results.next().await.unwrap().unwrap(), x);
            }
            drop(sent);
            assert!(results.next().await.is_none());
        });
    });
}

/// With an executor that polls only when it was woken, a wake-up that is lost is a test that hangs.
#[test]
fn no_wake_up_is_lost() {
    watched_for(Duration::from_secs(120), || {
        let mut random = Random::new(11);
        for round in 0..1_500 {
            let (workers, window) = (1 + random.below(3), 1 + random.below(6));
            let items = random.below(40);
            let specs = worker_fn(|x: usize| x).times(workers);
            let (from_stream, ordered) = (random.one_in(2), random.one_in(2));
            let mut seen: Vec<_> = if from_stream {
                let results = stream::iter(0..items).par_stateful_stream(specs);
                let results = results.max_in_flight(window);
                let results = if ordered { results } else { results.unordered() };
                futures_executor::block_on(results.map(Result::unwrap).collect())
            } else {
                let results = par_stateful(0..items, specs).max_in_flight(window).into_stream();
                let results = if ordered { results } else { results.unordered() };
                futures_executor::block_on(results.map(Result::unwrap).collect())
            };
            if !ordered {
                seen.sort_unstable();
            }
            assert!(seen.into_iter().eq(0..items), "{round}");
        }
    });
}

/// Claims of items of nanoseconds, which in other runs would be quick, with a slow one now and then.
#[test]
fn a_cheap_result_is_not_held_back_by_a_slow_neighbour() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let passed = gate.clone();
        let last = 20_000;
        let call = move |x: usize| {
            if x == last {
                passed.pass();
            }
            x
        };
        let mut results =
            par_stateful(0..=last, worker_fn(call).times(2)).max_in_flight(500).into_stream();
        futures_executor::block_on(async {
            for expected in 0..last {
                assert_eq!(results.next().await.unwrap().unwrap(), expected);
            }
            gate.open();
            assert_eq!(results.next().await.unwrap().unwrap(), last);
        });
    });
}

#[test]
fn a_task_that_waits_is_woken_when_it_is_worth_it() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let passed = gate.clone();
        let call = move |x: usize| {
            passed.pass();
            x
        };
        let polls = Count::default();
        let polled = polls.clone();
        let mut items = 0..;
        let source = stream::poll_fn(move |_| {
            polled.add();
            std::task::Poll::Ready(items.next())
        });
        let mut results = source.par_stateful_stream(worker_fn(call).times(2)).max_in_flight(10);
        let (woken, waker) = Woken::new();
        assert!(poll(&mut results, &waker).is_pending());
        gate.wait_for(2);
        settle();
        // The window is full, and nobody has anything to say.
        assert_eq!((polls.get(), woken.get()), (10, 0));
        gate.open();
        eventually("the task is woken", || woken.get() == 1);
        settle();
        assert_eq!((polls.get(), woken.get()), (10, 1));
        for _ in 0..10 {
            assert!(poll(&mut results, &waker).is_ready());
        }
    });
}

#[test]
fn a_source_that_never_ends_does_not_keep_the_executor() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let passed = gate.clone();
        let call = move |x: usize| {
            passed.pass();
            x
        };
        let mut results =
            stream::iter(0..).par_stateful_stream(worker_fn(call).times(2)).unbounded();
        let (woken, waker) = Woken::new();
        for polls in 1..10 {
            // It comes back, and asks to be polled again.
            assert!(poll(&mut results, &waker).is_pending());
            assert_eq!(woken.get(), polls);
        }
        gate.open();
        assert_eq!(futures_executor::block_on(results.next()).unwrap().unwrap(), 0);
    });
}

#[test]
fn a_waker_that_panics_ends_no_worker() {
    struct Broken;
    impl std::task::Wake for Broken {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("no executor any more");
        }
    }
    watched(|| {
        let call = |x: usize| {
            thread::sleep(Duration::from_millis(1));
            x
        };
        let mut results = stream::iter(0..50).par_stateful_stream(worker_fn(call).times(2));
        let waker = std::sync::Arc::new(Broken).into();
        for expected in 0..50 {
            loop {
                if let std::task::Poll::Ready(next) = poll(&mut results, &waker) {
                    assert_eq!(next.unwrap().unwrap(), expected);
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
}
