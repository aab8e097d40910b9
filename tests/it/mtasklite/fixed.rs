//! What the original does badly and is done better here, where no number stands for it.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread;

use mtask::prelude::*;

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// Ordered mode is no barrier: while an item is in hand, all that the window holds behind it is
/// run; and when the window moves by one item, one more is run.
#[test]
fn ordered_mode_is_no_barrier() {
    watched(|| {
        let (first, last, ran) = (Gate::default(), Gate::default(), Count::default());
        let _open = (first.open_on_drop(), last.open_on_drop());
        let (at_first, at_last, runs) = (first.clone(), last.clone(), ran.clone());
        let results = par_map(0..100usize, 2, move |x: usize| {
            match x {
                0 => at_first.pass(),
                10 => at_last.pass(),
                _ => {}
            }
            runs.add();
            x
        });
        let mut results = results.max_in_flight(8).start();
        first.wait_for(1);
        eventually("1 to 7 are run beside item 0", || ran.get() == 7);
        first.open();
        eventually("item 0 is run", || ran.get() >= 8);
        // The window moves with each item, not with each window: item 10 is begun, and 11 run,
        // while some of the first window is still to be taken.
        assert!(results.by_ref().take(5).map(Result::unwrap).eq(0..5));
        last.wait_for(1);
        eventually("item 11 is run beside item 10", || ran.get() == 11);
        last.open();
        assert!(results.map(Result::unwrap).eq(5..100));
    });
}

/// Skewed work is shared: one worker does the rest while another has an item that is never done.
#[test]
fn one_slow_item_holds_one_worker() {
    watched(|| {
        for batch in [Some(1), Some(16), None] {
            let (gate, ran) = (Gate::default(), Count::default());
            let (at_gate, runs) = (gate.clone(), ran.clone());
            let results = par_map(0..60usize, 2, move |x: usize| {
                if x == 5 {
                    at_gate.pass();
                }
                runs.add();
                x
            });
            let results = results.max_in_flight(64);
            let results = match batch {
                Some(batch) => results.chunk_size(batch),
                None => results,
            };
            let results = results.start();
            eventually("all but the slow one are run", || ran.get() == 59);
            gate.open();
            assert!(results.map(Result::unwrap).eq(0..60));
        }
    });
}

/// How many workers pull the first three items, where all three workers were idle when the source
/// came to give them, and each keeps its first item in hand.
fn pullers_of_three_items(batch: Option<usize>) -> usize {
    let (source_gate, call_gate) = (Gate::default(), Gate::default());
    let pullers = Arc::new(Mutex::new(Vec::new()));
    let (at_source, at_call, seen) = (source_gate.clone(), call_gate.clone(), Arc::clone(&pullers));
    let source = (0..6).inspect(move |_| {
        at_source.pass();
        seen.lock().unwrap().push(thread::current().id());
    });
    let results = par_map(source, 3, move |_: u32| at_call.pass()).unbounded().build_now();
    let results = match batch {
        Some(batch) => results.chunk_size(batch),
        None => results,
    };
    let results = results.start();
    source_gate.wait_for(1);
    settle();
    source_gate.open();
    call_gate.wait_for(3);
    let first: HashSet<_> = pullers.lock().unwrap()[..3].iter().copied().collect();
    call_gate.open();
    assert_eq!(results.count(), 6);
    first.len()
}

/// `chunk_size`: a worker takes so many items from the source at a time, and no more.
#[test]
fn a_worker_takes_a_chunk_at_a_time() {
    watched(|| {
        for _ in 0..10 {
            assert_eq!(pullers_of_three_items(Some(1)), 3);
        }
        // Those who were to be idle may have been too slow for it: so more than once, if need be.
        eventually("one takes three", || pullers_of_three_items(Some(3)) == 1);
        eventually("one takes three", || pullers_of_three_items(None) == 1);
    });
}

/// A worker that dies by a panic costs one item and comes back; where all die all the time, the
/// run ends none the less, with an error for each item.
#[test]
fn workers_that_die_hang_nothing() {
    watched(|| {
        for workers in [1, 2, 4] {
            for ordered in [true, false] {
                let dying = par_map(0..50usize, workers, |x: usize| {
                    if x % 3 != 1 {
                        resume_unwind(Box::new(x));
                    }
                    x
                });
                let mut dying = if ordered { dying } else { dying.unordered() };
                let (mut died, mut done) = (0, 0);
                for result in dying.by_ref() {
                    match result {
                        Ok(x) => {
                            assert_eq!(x % 3, 1);
                            done += 1;
                        }
                        Err(error) => {
                            let index = error.index().unwrap();
                            let payload = error.into_panic().unwrap();
                            assert_eq!(
                                payload.downcast_ref(),
                                Some(&index),
                                "it keeps its payload"
                            );
                            died += 1;
                        }
                    }
                }
                assert_eq!((died, done), (33, 17));
                assert_eq!(dying.stats().panics, 33);
            }
        }
    });
}

/// A worker that dies in its constructor or in its destructor hangs nothing either.
#[test]
fn deaths_outside_of_calls_hang_nothing() {
    /// Panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("in the destructor"));
        }
    }
    watched(|| {
        for workers in [1, 3] {
            let unbuildable = init_fn(|| -> Result<fn(u32) -> u32, String> {
                resume_unwind(Box::new("in the constructor"))
            });
            let results = par_stateful(0..20, unbuildable.times(workers));
            let errors: Vec<_> = results.map(Result::unwrap_err).collect();
            assert!((1..=20).contains(&errors.len()));
            assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::NoWorkerLeft));

            let explosive = init_fn(|| {
                let bomb = Bomb;
                Ok::<_, String>(move |x: u32| {
                    let _bomb = &bomb;
                    if x % 4 == 3 {
                        resume_unwind(Box::new("in the call"));
                    }
                    x
                })
            });
            let mut results = par_stateful(0..20, explosive.times(workers));
            assert_eq!(results.by_ref().filter(Result::is_err).count(), 5);
            let stats = results.stats();
            assert_eq!(stats.destructor_panics, stats.builds);
        }
    });
}

/// The bound of a chain of runs is the sum of theirs: behind a stalled first item nothing more is
/// read.
#[test]
fn a_chain_is_bounded_too() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let (source, pulled) = counted(0..10_000usize);
        let first = par_map(source, 2, |x: usize| x).max_in_flight(4).map(Result::unwrap);
        let at_gate = gate.clone();
        let second = par_map(first, 2, move |x: usize| {
            if x == 0 {
                at_gate.pass();
            }
            x
        });
        let second = second.max_in_flight(8).start();
        eventually("both windows are full", || pulled.get() >= 8 + 3);
        settle();
        assert!(pulled.get() <= 8 + 4, "{} items were pulled", pulled.get());
        gate.open();
        assert!(second.map(Result::unwrap).eq(0..10_000));
    });
}

/// An error is an error wherever it comes from: no result of a worker is taken for one of the
/// engine, nor the other way.
#[test]
fn errors_are_not_returned_as_results() {
    watched(|| {
        let results = par_map(0..3u32, 2, |x: u32| match x {
            0 => Ok(0),
            1 => Err("returned".to_owned()),
            _ => resume_unwind(Box::new("raised")),
        });
        let [fine, returned, raised] = results.collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(fine.unwrap(), Ok(0));
        assert_eq!(returned.unwrap(), Err("returned".to_owned()));
        let error = raised.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("item 2: worker {} panicked: raised", worker(&error))
        );
    });
}

fn worker(error: &TaskError) -> usize {
    error.worker().expect("a worker had it in hand")
}
