//! Runs that are awaited: a stream in and out, or an iterator in and a stream out.

mod end;
mod property;
mod waiting;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use mtask::{
    BuildError, ParStatefulStreamExt, Pool, Spec, TaskError, TaskErrorKind, init_fn, par_map,
    par_stateful, par_stateful_stream, worker_fn,
};
use tokio::runtime::{Builder, Runtime};

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// A waker that counts, for tests that poll by hand.
#[derive(Default)]
pub(crate) struct Woken(Count);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.add();
    }
}

impl Woken {
    fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        (Arc::clone(&woken), woken.into())
    }

    fn get(&self) -> usize {
        self.0.get()
    }
}

fn poll<S: Stream + Unpin>(stream: &mut S, waker: &Waker) -> Poll<Option<S::Item>> {
    stream.poll_next_unpin(&mut Context::from_waker(waker))
}

/// Both runtimes, so that the consumer is on one thread, or on any.
fn runtimes() -> [Runtime; 2] {
    let many = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    [Builder::new_current_thread().enable_time().build().unwrap(), many.unwrap()]
}

/// A stream of what a channel gives.
fn received<T>(mut channel: tokio::sync::mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::poll_fn(move |task| channel.poll_recv(task))
}

#[test]
fn results_come_in_order_on_both_runtimes_from_streams_and_iterators() {
    watched(|| {
        for runtime in runtimes() {
            let (sent, source) = tokio::sync::mpsc::channel(4);
            let sender = runtime.spawn(async move {
                for x in 0..5_000_u64 {
                    sent.send(x).await.unwrap();
                    if x % 100 == 0 {
                        tokio::time::sleep(Duration::from_micros(50)).await;
                    }
                }
            });
            let from_stream =
                received(source).par_stateful_stream(worker_fn(|x: u64| x * x).times(3));
            let from_iterator = par_map(0..5_000_u64, 3, |x: u64| x * x).into_stream();
            // Spawned, so that both are seen to be `Send`.
            let tasks = [
                runtime.spawn(from_stream.map(Result::unwrap).collect::<Vec<_>>()),
                runtime.spawn(from_iterator.map(Result::unwrap).collect::<Vec<_>>()),
            ];
            runtime.block_on(async {
                for task in tasks {
                    assert!(task.await.unwrap().into_iter().eq((0..5_000).map(|x| x * x)));
                }
                sender.await.unwrap();
            });
        }
    });
}

#[test]
fn out_of_order_each_comes_once() {
    watched(|| {
        for runtime in runtimes() {
            let specs = worker_fn(|x: u64| x).times(3);
            let results =
                par_stateful_stream(stream::iter(0..5_000_u64), specs.clone()).unordered();
            let mut seen: Vec<_> = runtime.block_on(results.map(Result::unwrap).collect());
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..5_000));
            let results = par_stateful(0..5_000_u64, specs).unordered().into_stream();
            let mut seen: Vec<_> = runtime.block_on(results.map(Result::unwrap).collect());
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..5_000));
        }
    });
}

#[test]
fn a_result_overtakes_a_slow_one_out_of_order_alone() {
    watched(|| {
        let gate = Gate::default();
        let passed = gate.clone();
        let call = move |x: usize| {
            if x == 0 {
                passed.pass();
            }
            x
        };
        let mut results =
            stream::iter(0..10).par_stateful_stream(worker_fn(call).times(2)).unordered();
        futures_executor::block_on(async {
            for _ in 1..10 {
                assert_ne!(results.next().await.unwrap().unwrap(), 0);
            }
            gate.open();
            assert_eq!(results.next().await.unwrap().unwrap(), 0);
            assert!(results.next().await.is_none());
        });
    });
}

#[test]
fn a_first_item_that_stalls_leaves_a_window_in_flight() {
    watched(|| {
        for (window, from_stream) in [(1, true), (7, true), (1, false), (7, false)] {
            let gate = Gate::default();
            let _open = gate.open_on_drop();
            let passed = gate.clone();
            let call = move |x: usize| {
                if x == 0 {
                    passed.pass();
                }
                x
            };
            let (source, pulled) = counted(0_usize..1_000);
            let specs = worker_fn(call).times(2);
            let (woken, waker) = Woken::new();
            let mut results: std::pin::Pin<Box<dyn Stream<Item = Result<usize, TaskError>>>> =
                if from_stream {
                    Box::pin(par_stateful_stream(stream::iter(source), specs).max_in_flight(window))
                } else {
                    Box::pin(par_stateful(source, specs).max_in_flight(window).into_stream())
                };
            assert!(poll(&mut results, &waker).is_pending());
            gate.wait_for(1);
            eventually("the window is full", || pulled.get() == window);
            settle();
            assert!(poll(&mut results, &waker).is_pending());
            settle();
            assert_eq!(pulled.get(), window);
            gate.open();
            eventually("the task is woken", || woken.get() > 0);
            for expected in 0..1_000 {
                let next = futures_executor::block_on(results.next());
                assert_eq!(next.unwrap().unwrap(), expected);
                // The item that was yielded last counts until the next poll.
                assert!(pulled.get() - expected <= window);
            }
            assert!(futures_executor::block_on(results.next()).is_none());
        }
    });
}

#[test]
fn nothing_happens_before_the_first_poll_nor_is_a_worker_built_before_the_first_item() {
    watched(|| {
        let builds = Count::default();
        let built = builds.clone();
        let spec = init_fn(move || {
            built.add();
            Ok::<_, BuildError>(|x: usize| x)
        });
        let polls = Count::default();
        let polled = polls.clone();
        let (sent, source) = tokio::sync::mpsc::channel(4);
        let mut source = Box::pin(received(source));
        let source = stream::poll_fn(move |task| {
            polled.add();
            source.as_mut().poll_next(task)
        });
        let (_, waker) = Woken::new();
        let mut results = par_stateful_stream(source, spec.clone().times(2));
        settle();
        assert_eq!((polls.get(), builds.get()), (0, 0));
        assert!(poll(&mut results, &waker).is_pending());
        settle();
        assert_eq!((polls.get(), builds.get()), (1, 0));
        sent.try_send(5).unwrap();
        drop(sent);
        let rest: Vec<_> = futures_executor::block_on(results.map(Result::unwrap).collect());
        assert_eq!(rest, [5]);
        assert_eq!(builds.get(), 1);

        let (source, pulled) = counted(0..10);
        let results = par_stateful(source, spec.times(2)).into_stream();
        settle();
        assert_eq!((pulled.get(), builds.get()), (0, 1));
        drop(results);
        assert_eq!((pulled.get(), builds.get()), (0, 1));
    });
}

#[test]
fn a_panic_costs_one_item_and_a_failed_build_none() {
    watched(|| {
        let builds = Count::default();
        let spec = init_fn(move || {
            if builds.add() == 0 {
                return Err("not yet");
            }
            Ok(|x: usize| if x == 5 { panic!("five") } else { x })
        });
        let results = stream::iter(0..10).par_stateful_stream(spec.times(1));
        let results: Vec<_> = futures_executor::block_on(results.collect());
        assert_eq!(results.len(), 10);
        for (index, result) in results.into_iter().enumerate() {
            let kind = result.as_ref().map_err(TaskError::kind);
            match index {
                5 => assert_eq!(kind, Err(TaskErrorKind::Panicked)),
                _ => assert_eq!(kind, Ok(&index)),
            }
            assert!(result.err().is_none_or(|error| error.index() == Some(index)));
        }
    });
}

#[test]
fn retries_and_lifespans_are_those_of_the_iterator() {
    watched(|| {
        let calls = Count::default();
        let call = move |x: usize| if calls.add() == 0 { panic!("once") } else { x };
        let results = stream::iter(0..3).par_stateful_stream(worker_fn(call).times(1)).retries(1);
        let results: Vec<_> = futures_executor::block_on(results.map(Result::unwrap).collect());
        assert_eq!(results, [0, 1, 2]);
        let builds = Count::default();
        let spec = init_fn(move || {
            let life = builds.add();
            Ok::<_, BuildError>(move |_: usize| life)
        });
        let results = stream::iter(0..4).par_stateful_stream(spec.times(1)).lifespan(2);
        let results: Vec<_> = futures_executor::block_on(results.map(Result::unwrap).collect());
        assert_eq!(results, [0, 0, 1, 1]);
    });
}

#[test]
fn builds_at_the_start_are_awaited_and_one_that_fails_is_all_there_is() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let passed = gate.clone();
        let builds = Count::default();
        let spec = init_fn(move || {
            passed.pass();
            if builds.add() == 0 { Ok(|x: usize| x) } else { Err("the second") }
        });
        let (source, pulled) = counted(0..10);
        let mut results = stream::iter(source).par_stateful_stream(spec.times(2)).build_now();
        let (woken, waker) = Woken::new();
        assert!(poll(&mut results, &waker).is_pending());
        gate.wait_for(2);
        gate.open();
        eventually("the task is woken", || woken.get() > 0);
        futures_executor::block_on(async {
            let error = results.next().await.unwrap().unwrap_err();
            assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
            assert!(results.next().await.is_none());
        });
        assert_eq!(pulled.get(), 0);

        let spec = init_fn(|| Ok::<_, BuildError>(|x: usize| x));
        let results = stream::iter(0..10).par_stateful_stream(spec.times(2)).build_now();
        let results: Vec<_> = futures_executor::block_on(results.map(Result::unwrap).collect());
        assert!(results.into_iter().eq(0..10));
    });
}

#[test]
fn the_hint_counts_what_is_still_to_come() {
    watched(|| {
        let mut results = stream::iter(0..10).par_stateful_stream(worker_fn(|x: usize| x).times(2));
        futures_executor::block_on(async {
            for left in (1..=10).rev() {
                assert_eq!(results.size_hint(), (left, Some(left)));
                results.next().await.unwrap().unwrap();
            }
            assert!(results.next().await.is_none());
            assert_eq!(results.size_hint(), (0, Some(0)));
            assert!(results.is_finished());
            // Fused.
            assert!(results.next().await.is_none());
        });
        let stats = results.stats();
        assert_eq!(stats.yielded, 10);
    });
}

#[test]
fn a_stream_that_is_neither_send_nor_unpin_and_one_that_is_empty() {
    watched(|| {
        let local = std::rc::Rc::new(3);
        let source = stream::unfold(0, |x| {
            let local = std::rc::Rc::clone(&local);
            async move {
                tokio::task::yield_now().await;
                (x < *local).then_some((x, x + 1))
            }
        });
        let results = par_stateful_stream(source, worker_fn(|x: i32| x).times(2));
        let mut results = pin!(results.map(Result::unwrap));
        let [runtime, _] = runtimes();
        runtime.block_on(async {
            for expected in 0..3 {
                assert_eq!(results.next().await, Some(expected));
            }
            assert_eq!(results.next().await, None);
        });
        let mut none = par_stateful_stream(stream::empty(), worker_fn(|x: i32| x).times(2));
        assert!(poll(&mut none, Waker::noop()).map(|end| end.is_none()) == Poll::Ready(true));
    });
}

#[test]
fn runs_of_a_pool_and_of_a_scope_are_awaited_too() {
    watched(|| {
        let mut pool = Pool::new(worker_fn(|x: usize| x + 1).times(2));
        for _ in 0..20 {
            let results = pool.map(0..50).into_stream().map(Result::unwrap);
            let results: Vec<_> = futures_executor::block_on(results.collect());
            assert!(results.into_iter().eq(1..51));
        }
        let words = ["a".to_owned(), "bc".to_owned()];
        let lengths: Vec<_> = mtask::scope(|scope| {
            let results = scope.par_map(&words, 2, |word: &String| word.len()).into_stream();
            futures_executor::block_on(results.map(Result::unwrap).collect())
        });
        assert_eq!(lengths, [1, 2]);
    });
}

#[test]
fn a_run_may_be_polled_by_one_task_after_another() {
    watched(|| {
        let (sent, source) = tokio::sync::mpsc::channel(4);
        let mut results = received(source).par_stateful_stream(worker_fn(|x: i32| x).times(2));
        let ((first, one), (second, two)) = (Woken::new(), Woken::new());
        assert!(poll(&mut results, &one).is_pending());
        assert!(poll(&mut results, &two).is_pending());
        sent.try_send(1).unwrap();
        assert_eq!((first.get(), second.get()), (0, 1));
        let next = futures_executor::block_on(poll_fn(|task| results.poll_next_unpin(task)));
        assert_eq!(next.unwrap().unwrap(), 1);
    });
}

#[test]
#[should_panic(expected = "`.unordered(..)` came after the run had started")]
fn options_come_first() {
    let mut results = stream::iter(0..10).par_stateful_stream(worker_fn(|x: i32| x).times(2));
    futures_executor::block_on(results.next());
    drop(results.unordered());
}

#[test]
#[should_panic(expected = "at least 1")]
fn no_specs_are_a_panic_at_the_call() {
    let specs = worker_fn(|x: i32| x).times(0);
    drop(par_stateful_stream(stream::iter(0..10), specs));
}
