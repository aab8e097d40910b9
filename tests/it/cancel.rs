//! A handle that ends a run in order.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use mtask::{CancelHandle, Pool, Spec, par_map, par_stateful, par_stateful_local, worker_fn};

use crate::util::{Gate, Random, counted, runs, watched, watched_for};

#[test]
fn what_was_pulled_comes_in_order_and_no_more() {
    watched(|| {
        let mut random = Random::new(3);
        for round in 0..300 {
            let (source, pulled) = counted(0_usize..);
            let (workers, window) = (1 + random.below(3), 1 + random.below(200));
            let results = par_stateful(source, worker_fn(|x: usize| x).times(workers));
            let mut results = results.max_in_flight(window);
            let handle = results.cancel_handle();
            let taken = random.below(300);
            for expected in 0..taken {
                assert_eq!(results.next().unwrap().unwrap(), expected, "{round}");
            }
            handle.cancel();
            let rest: Vec<_> = results.by_ref().map(Result::unwrap).collect();
            assert!(rest.iter().copied().eq(taken..taken + rest.len()), "{round}");
            assert!(rest.len() <= window, "{round}");
            assert!(results.next().is_none());
            assert!(results.is_finished() && handle.is_cancelled());
            // At most the one that was being pulled is lost, and only that.
            assert!(pulled.get() - taken - rest.len() <= window, "{round}");
        }
    });
}

#[test]
fn from_another_thread_at_any_moment() {
    watched(|| {
        let mut random = Random::new(5);
        for _ in 0..300 {
            let workers = 1 + random.below(3);
            let run = par_map(0_usize.., workers, |x: usize| x);
            let run = if random.one_in(3) { run.unordered() } else { run };
            let handle = run.cancel_handle();
            let micros = random.below(300) as u64;
            let other = thread::spawn(move || {
                thread::sleep(Duration::from_micros(micros));
                handle.cancel();
            });
            let mut seen = Vec::new();
            for item in run {
                seen.push(item.unwrap()); // `collect` would make room for all of `0..`
            }
            seen.sort_unstable();
            assert!(seen.iter().copied().eq(0..seen.len()));
            other.join().unwrap();
        }
    });
}

#[test]
fn a_source_that_blocks_is_not_waited_for() {
    watched(|| {
        let (keep, rest): (_, Receiver<usize>) = channel();
        let mut run = par_map((0..10).chain(rest), 2, |x: usize| x);
        let handle = run.cancel_handle();
        for expected in 0..10 {
            assert_eq!(run.next().unwrap().unwrap(), expected);
        }
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            handle.cancel();
        });
        assert!(run.next().is_none());
        other.join().unwrap();
        drop(keep);
    });
}

#[test]
fn what_is_in_hand_is_finished_and_comes() {
    watched(|| {
        let gate = Gate::default();
        let passed = gate.clone();
        let call = move |x: usize| {
            passed.pass();
            x
        };
        let mut run = par_map(0.., 2, call).max_in_flight(2).start();
        gate.wait_for(2);
        run.cancel_handle().cancel();
        gate.open();
        assert_eq!(run.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [0, 1]);
    });
}

#[test]
fn before_the_start_nothing_comes_of_it() {
    watched(|| {
        let (source, pulled) = counted(0..10);
        let mut run = par_map(source, 2, |x: usize| x);
        run.cancel_handle().cancel();
        assert!(run.next().is_none());
        assert_eq!(pulled.get(), 0);
        let (source, pulled) = counted((0..10).filter(|_| true));
        let mut run = par_map(source, 2, |x: usize| x);
        run.cancel_handle().cancel();
        assert!(run.next().is_none());
        assert_eq!(pulled.get(), 0);
    });
}

#[test]
fn it_is_the_same_inline_where_the_consumer_pulls_and_in_a_pool() {
    watched(|| {
        let mut run = par_map(0.., 2, |x: usize| x).inline();
        assert_eq!(run.next().unwrap().unwrap(), 0);
        run.cancel_handle().cancel();
        assert!(run.next().is_none() && run.is_finished());

        let mut run = par_stateful_local(0.., worker_fn(|x: usize| x).times(2));
        assert_eq!(run.next().unwrap().unwrap(), 0);
        run.cancel_handle().cancel();
        let rest: Vec<_> = run.by_ref().map(Result::unwrap).collect();
        assert!(rest.iter().copied().eq(1..1 + rest.len()));

        let mut pool = Pool::new(worker_fn(|x: usize| x).times(2));
        for _ in 0..20 {
            let mut map = pool.map(0..);
            let handle = map.cancel_handle();
            assert_eq!(map.next().unwrap().unwrap(), 0);
            handle.cancel();
            let rest: Vec<_> = map.map(Result::unwrap).collect();
            assert!(rest.iter().copied().eq(1..1 + rest.len()));
        }
    });
}

#[test]
fn the_first_of_several_stages_ends_all_in_order_and_the_last_one_too() {
    watched(|| {
        for first in [true, false] {
            let one = par_map(0_usize.., 2, |x: usize| x);
            let of_first = one.cancel_handle();
            let mut two = one.map(Result::unwrap).filter(|_| true);
            let mut two = par_map(std::iter::from_fn(move || two.next()), 2, |x: usize| x);
            let handle = if first { of_first } else { two.cancel_handle() };
            for expected in 0..50 {
                assert_eq!(two.next().unwrap().unwrap(), expected);
            }
            handle.cancel();
            let rest: Vec<_> = two.by_ref().map(Result::unwrap).collect();
            assert!(rest.iter().copied().eq(50..50 + rest.len()));
        }
    });
}

/// Who cancels a run that its consumer feeds.
#[derive(Clone, Copy, PartialEq)]
enum Canceller {
    /// A thread of its own.
    Thread,
    /// The worker that runs a certain item.
    Worker,
}

/// Cancels as many runs as [`runs`] says, each at another moment, which `consume` takes to their end:
/// it is given the source, the worker and how many of them, and gives how many items came, in order.
fn cancels_of_fed_runs(
    canceller: Canceller,
    consume: impl Fn(Box<dyn Iterator<Item = u64>>, Call, usize, Slot) -> u64 + Send + 'static,
) {
    let runs = runs(3_000);
    watched_for(Duration::from_secs(60 + runs / 100), move || {
        for run in 0..runs {
            let (workers, at) = (1 + (run % 3) as usize, run % 200);
            let slot = Slot::default();
            let handle = Arc::clone(&slot);
            let call: Call = Arc::new(move |x| {
                if canceller == Canceller::Worker && x == at {
                    handle.get().expect("the handle is made before the run starts").cancel();
                }
                x
            });
            let (source, pulled) = counted(0..1 << 40);
            let waiting = Arc::clone(&slot);
            let other = (canceller == Canceller::Thread).then(|| {
                thread::spawn(move || {
                    while waiting.get().is_none() {
                        thread::yield_now();
                    }
                    for _ in 0..run % 10 {
                        thread::yield_now();
                    }
                    waiting.get().inspect(|handle| handle.cancel());
                })
            });
            let given = consume(Box::new(source), call, workers, slot);
            // Whatever was pulled was yielded.
            assert_eq!(pulled.get() as u64, given, "run {run}");
            if let Some(other) = other {
                other.join().unwrap();
            }
        }
    });
}

type Call = Arc<dyn Fn(u64) -> u64 + Send + Sync>;
type Slot = Arc<OnceLock<CancelHandle>>;

fn consume_local(
    source: Box<dyn Iterator<Item = u64>>,
    call: Call,
    workers: usize,
    slot: Slot,
) -> u64 {
    let run = par_stateful_local(source, worker_fn(move |x: u64| call(x)).times(workers));
    assert!(slot.set(run.cancel_handle()).is_ok());
    let mut given = 0;
    for item in run {
        assert_eq!(item.unwrap(), given);
        given += 1;
    }
    given
}

#[test]
fn a_local_source_from_another_thread() {
    cancels_of_fed_runs(Canceller::Thread, consume_local);
}

#[test]
fn a_local_source_from_a_worker() {
    cancels_of_fed_runs(Canceller::Worker, consume_local);
}

#[cfg(feature = "stream")]
fn consume_stream(
    source: Box<dyn Iterator<Item = u64>>,
    call: Call,
    workers: usize,
    slot: Slot,
) -> u64 {
    use futures_util::StreamExt;

    let stream = futures_util::stream::iter(source);
    let specs = worker_fn(move |x: u64| call(x)).times(workers);
    let mut run = mtask::par_stateful_stream(stream, specs);
    assert!(slot.set(run.cancel_handle()).is_ok());
    let mut given = 0;
    futures_executor::block_on(async {
        while let Some(item) = run.next().await {
            assert_eq!(item.unwrap(), given);
            given += 1;
        }
    });
    given
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_from_another_thread() {
    cancels_of_fed_runs(Canceller::Thread, consume_stream);
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_from_a_worker() {
    cancels_of_fed_runs(Canceller::Worker, consume_stream);
}

#[test]
fn a_handle_from_behind_each_policy_cancels() {
    fn ends<I: Iterator>(mut items: I, handle: &CancelHandle) {
        assert!(items.next().is_some());
        handle.cancel();
        // The source is endless: only the cancel ends this.
        items.for_each(drop);
    }
    let run = || par_map(0.., 2, |x: u64| if x == u64::MAX { Err("the end") } else { Ok(x) });
    watched(move || {
        let flat = run().flatten_errors();
        let handle = flat.cancel_handle();
        ends(flat, &handle);
        let stopping = run().flatten_errors().stop_on_error();
        let handle = stopping.cancel_handle();
        ends(stopping, &handle);
        let deferring = run().defer_errors();
        let handle = deferring.cancel_handle();
        ends(deferring, &handle);
        let bare = run().propagate_panics();
        let handle = bare.cancel_handle();
        ends(bare, &handle);
    });
}
