//! A handle that ends a run in order.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use mtask::{Pool, Spec, par_map, par_stateful, par_stateful_local, worker_fn};

use crate::util::{Gate, Random, counted, watched};

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
