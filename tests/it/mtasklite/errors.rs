//! Errors: of workers, of the source, of the consumer.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use mtask::prelude::*;

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// An error with a type of its own.
#[derive(Debug, PartialEq)]
struct Bad(usize);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad item {}", self.0)
    }
}

impl std::error::Error for Bad {}

/// A panic that the process's hook does not hear of.
fn quiet_panic(message: &'static str) -> ! {
    resume_unwind(Box::new(message))
}

/// 41: by default an error takes the item's own place, as a panic does.
#[test]
fn an_error_takes_the_place_of_its_item() {
    watched(|| {
        let results = par_map(0..30usize, 3, |x: usize| match x % 5 {
            1 => Err(Bad(x)),
            2 => quiet_panic("torn"),
            _ => Ok(x),
        });
        let results: Vec<_> = results.flatten_errors().collect();
        assert_eq!(results.len(), 30);
        for (x, result) in results.into_iter().enumerate() {
            match (x % 5, result) {
                (1, Err(error)) => {
                    assert_eq!((error.kind(), error.index()), (TaskErrorKind::Failed, Some(x)));
                    assert_eq!(*error.into_cause().unwrap().downcast::<Bad>().unwrap(), Bad(x));
                }
                (2, Err(error)) => {
                    assert_eq!((error.kind(), error.index()), (TaskErrorKind::Panicked, Some(x)));
                    assert_eq!(error.panic_message(), Some("torn"));
                }
                (_, result) => assert_eq!(result.unwrap(), x),
            }
        }
    });
}

/// 42: *immediate*: earlier results are delivered, the input stops, what is in hand is waited for,
/// and the error comes out with its type.
#[test]
fn stop_on_error_delivers_what_came_before_and_ends() {
    watched(|| {
        let (before, after) = (Gate::default(), Gate::default());
        let in_hand = Count::default();
        let (at_before, at_after, hands) = (before.clone(), after.clone(), in_hand.clone());
        let (source, pulled) = counted(0..10_000usize);
        let results = par_map(source, 3, move |x: usize| match x {
            // Item 5 fails while its neighbours are in hand.
            4 => {
                at_before.pass();
                Ok(x)
            }
            5 => {
                at_before.wait_for(1);
                at_after.wait_for(1);
                Err(Bad(x))
            }
            6 => {
                let _hand = hands.token();
                at_after.pass();
                Ok(x)
            }
            _ => Ok(x),
        });
        let mut results = results.flatten_errors().stop_on_error();
        for x in 0..4 {
            assert_eq!(results.next().unwrap().unwrap(), x);
        }
        before.open();
        assert_eq!(results.next().unwrap().unwrap(), 4);
        let opener = thread::spawn(move || {
            settle();
            after.open();
        });
        let error = results.next().unwrap().unwrap_err();
        assert_eq!(in_hand.get(), 0, "nothing is in hand any more");
        assert_eq!(error.index(), Some(5));
        assert_eq!(*error.into_cause().unwrap().downcast::<Bad>().unwrap(), Bad(5));
        let end = pulled.get();
        assert!(end < 10_000, "the input has stopped");
        assert!(results.next().is_none());
        assert_eq!(pulled.get(), end);
        opener.join().unwrap();
    });
}

/// 43: *deferred*: after all results, one error that holds them all.
#[test]
fn defer_errors_ends_with_one_error_of_all() {
    watched(|| {
        let results =
            par_map(0..40usize, 3, |x: usize| if x % 4 == 1 { Err(Bad(x)) } else { Ok(x) });
        let mut results: Vec<_> = results.flatten_errors().defer_errors().collect();
        let errors = results.pop().unwrap().unwrap_err();
        assert!(results.into_iter().map(Result::unwrap).eq((0..40).filter(|x| x % 4 != 1)));
        assert_eq!(errors.count(), 10);
        let causes = errors.into_iter().map(|error| error.into_cause().unwrap());
        assert!(causes.map(|cause| cause.downcast::<Bad>().unwrap().0).eq((1..40).step_by(4)));
    });
}

/// 44, better: an error that is returned is an output like any other, and only what is raised
/// counts as raised.
#[test]
fn a_returned_error_is_not_raised() {
    watched(|| {
        let returned = || par_map(0..20usize, 2, |x: usize| Err::<(), _>(Bad(x)));
        assert!(returned().stop_on_error().map(Result::unwrap).eq((0..20).map(|x| Err(Bad(x)))));
        assert!(returned().defer_errors().map(Result::unwrap).eq((0..20).map(|x| Err(Bad(x)))));
        assert_eq!(returned().flatten_errors().stop_on_error().count(), 1);
        assert_eq!(returned().flatten_errors().defer_errors().count(), 1);
    });
}

/// 45: an error of the input iterator reaches the caller, after what came before it, with its
/// own payload.
#[test]
fn an_error_of_the_source_reaches_the_caller() {
    watched(|| {
        for ordered in [true, false] {
            let source = (0..10).inspect(|&x| {
                if x == 6 {
                    quiet_panic("the file is gone");
                }
            });
            let results = par_map(source, 3, |x: u32| x);
            let mut results = if ordered { results } else { results.unordered() };
            let mut before: Vec<_> = results.by_ref().take(6).map(Result::unwrap).collect();
            before.sort();
            assert!(before.into_iter().eq(0..6));
            let payload = catch_unwind(AssertUnwindSafe(|| results.next())).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"the file is gone"));
            assert!(results.next().is_none());
        }
        // A source that gives errors as items hands them to the workers.
        let lines = [Ok("1"), Err(Bad(7)), Ok("3")];
        let lengths = par_map(lines, 2, |line: Result<&str, Bad>| line.map(str::len));
        assert!(lengths.map(Result::unwrap).eq([Ok(1), Err(Bad(7)), Ok(1)]));
    });
}

/// 46: an error in the caller's loop body leaves no worker behind.
#[test]
fn an_error_in_the_loop_body_leaves_no_worker() {
    watched(|| {
        let alive = Count::default();
        let spec = {
            let alive = alive.clone();
            init_fn(move || {
                let token = alive.token();
                Ok::<_, String>(move |x: usize| {
                    let _alive = &token;
                    x
                })
            })
        };
        let returned = || -> Result<(), Bad> {
            for item in par_stateful(0.., spec.clone().times(3)) {
                if item.unwrap() == 20 {
                    return Err(Bad(20));
                }
            }
            Ok(())
        };
        assert_eq!(returned(), Err(Bad(20)));
        eventually("the workers are gone", || alive.get() == 0);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            for item in par_stateful(0.., spec.times(3)) {
                if item.unwrap() == 20 {
                    quiet_panic("in the loop body");
                }
            }
        }));
        assert!(panicked.is_err());
        eventually("the workers are gone", || alive.get() == 0);
    });
}

/// Fails with item 0, once enough items are pulled; the other worker keeps its first item in hand
/// until the one that has failed is dropped, which is when it finds nothing more to do.
struct Last {
    gate: Gate,
    calls: Count,
    pulled: Count,
    enough: usize,
    failed: bool,
}

#[delayed_init]
impl Last {
    fn new(gate: &Gate, calls: &Count, pulled: &Count, enough: usize) -> Self {
        let (gate, calls, pulled) = (gate.clone(), calls.clone(), pulled.clone());
        Self { gate, calls, pulled, enough, failed: false }
    }

    fn call(&mut self, x: usize) -> Result<usize, Bad> {
        self.calls.add();
        if x == 0 {
            self.gate.wait_for(1);
            eventually("enough is pulled", || self.pulled.get() >= self.enough);
            self.failed = true;
            return Err(Bad(x));
        }
        if !self.failed {
            self.gate.pass();
        }
        Ok(x)
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        if self.failed {
            self.gate.open();
        }
    }
}

/// 50: after an immediate error the queued backlog is not run, with an unbounded window either:
/// the worker that fails runs nothing more, while the other one has its item in hand. The consumer
/// of a local source queues all of it; workers that pull for themselves queue less.
#[test]
fn an_error_stops_the_backlog() {
    const ITEMS: usize = 2_000;
    watched(|| {
        for ordered in [true, false] {
            for local in [true, false] {
                let (calls, gate) = (Count::default(), Gate::default());
                let (source, pulled) = counted(0..ITEMS);
                let enough = if local { ITEMS } else { 2 };
                let specs = Last::spec(&gate, &calls, &pulled, enough).times(2);
                let errors: Vec<_> = if local {
                    let results = par_stateful_local(source, specs).unbounded();
                    let results = if ordered { results } else { results.unordered() };
                    results.flatten_errors().stop_on_error().filter_map(Result::err).collect()
                } else {
                    let results = par_stateful(source, specs).unbounded();
                    let results = if ordered { results } else { results.unordered() };
                    results.flatten_errors().stop_on_error().filter_map(Result::err).collect()
                };
                assert_eq!(errors.len(), 1);
                assert_eq!(errors[0].index(), Some(0));
                assert_eq!(calls.get(), 2, "only what was in hand is run");
                assert!(local || pulled.get() < ITEMS, "the input has stopped");
            }
        }
    });
}

/// 50: the same, with an error that the consumer has not come to yet: it stops the input, and so
/// does one that was there before anybody asked for a stop.
#[test]
fn an_error_stops_the_input_before_the_consumer_has_seen_it() {
    watched(|| {
        for asked_first in [true, false] {
            let (alive, failed) = (Count::default(), Gate::default());
            let spec = {
                let (alive, failed) = (alive.clone(), failed.clone());
                init_fn(move || {
                    let (token, failed) = (alive.token(), failed.clone());
                    Ok::<_, String>(move |x: usize| {
                        let _alive = &token;
                        if x == 3 {
                            failed.open();
                            return Err(Bad(x));
                        }
                        Ok(x)
                    })
                })
            };
            // An input without end; it takes its time, so as not to fill the memory meanwhile.
            let source = (0..).inspect(|_| thread::sleep(Duration::from_micros(50)));
            let results = par_stateful(source, spec.times(2)).unbounded().start();
            let results = results.flatten_errors();
            let wait = || {
                eventually("item 3 fails", || failed.is_open());
                settle();
            };
            let mut results = if asked_first {
                let results = results.stop_on_error();
                wait();
                results
            } else {
                wait();
                results.stop_on_error()
            };
            eventually("the workers end, though nobody takes an item", || alive.get() == 0);
            assert!(results.by_ref().take(3).map(Result::unwrap).eq(0..3));
            assert_eq!(results.next().unwrap().unwrap_err().index(), Some(3));
            assert!(results.next().is_none());
        }
    });
}
