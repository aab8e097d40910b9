//! How a run is iterated.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use mtask::prelude::*;

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// 25, 26, 27: inline is one worker on the caller's thread, pulls one item a `next()`, and needs
/// nothing to be sent.
#[test]
fn inline_runs_here_item_by_item_and_sends_nothing() {
    let here = thread::current().id();
    let (source, pulled) = counted((0..5).map(Rc::new));
    let specs = worker_fn(move |x: Rc<usize>| {
        assert_eq!(thread::current().id(), here);
        Rc::new(*x * 2)
    });
    let mut results = par_stateful_local(source, specs.times(3)).inline();
    assert_eq!(pulled.get(), 0);
    for x in 0..5 {
        assert_eq!(*results.next().unwrap().unwrap(), 2 * x);
        assert_eq!(pulled.get(), x + 1);
    }
    assert!(results.next().is_none());
    assert_eq!(results.stats().builds, 1);
}

/// 28: nothing is pulled before the first `next()`.
#[test]
fn nothing_is_pulled_before_the_first_next() {
    watched(|| {
        let (source, pulled) = counted(0..100);
        let mut results = par_map(source, 4, |x: u32| x).unbounded().unordered();
        settle();
        assert_eq!(pulled.get(), 0);
        results.next().unwrap().unwrap();
        eventually("now it is read", || pulled.get() == 100);
    });
}

/// 29, 30, better: the bound is a bound, to the item, in both orders, with the first item stalled.
#[test]
fn a_stalled_first_item_keeps_the_window_shut() {
    watched(|| {
        for ordered in [true, false] {
            for window in [1, 2, 3, 5, 16] {
                for batch in [Some(1), Some(4), None] {
                    let gate = Gate::default();
                    let _open = gate.open_on_drop();
                    let (source, pulled) = counted(0..200);
                    let at_gate = gate.clone();
                    let mut results = par_map(source, 3, move |x: usize| {
                        if x == 0 {
                            at_gate.pass();
                        }
                        x
                    })
                    .max_in_flight(window);
                    if !ordered {
                        results = results.unordered();
                    }
                    if let Some(batch) = batch {
                        results = results.chunk_size(batch);
                    }
                    let mut results = results.start();
                    gate.wait_for(1);
                    eventually("the window is full", || pulled.get() >= window);
                    settle();
                    assert_eq!(pulled.get(), window);
                    gate.open();
                    assert_eq!(results.by_ref().count(), 200);
                }
            }
        }
    });
}

/// 31: unbounded reads everything, though nobody takes a result.
#[test]
fn unbounded_reads_everything() {
    watched(|| {
        for ordered in [true, false] {
            let gate = Gate::default();
            let (source, pulled) = counted(0..5_000);
            let at_gate = gate.clone();
            let results = par_map(source, 2, move |x: usize| {
                if x == 0 {
                    at_gate.pass();
                }
            });
            let results = if ordered { results } else { results.unordered() };
            let results = results.unbounded().start();
            eventually("all is read", || pulled.get() == 5_000);
            gate.open();
            assert_eq!(results.count(), 5_000);
        }
    });
}

/// 32: ordered output is in input order, unordered the same set; as they come, unordered results
/// overtake a stalled one.
#[test]
fn order_is_kept_or_given_up() {
    watched(|| {
        let slow_first = |gate: &Gate| {
            let gate = gate.clone();
            move |x: usize| {
                if x == 0 {
                    gate.pass();
                }
                x
            }
        };
        let gate = Gate::default();
        let mut results = par_map(0..40, 2, slow_first(&gate)).unordered().max_in_flight(64);
        let mut first: Vec<_> = results.by_ref().take(39).map(Result::unwrap).collect();
        assert!(!gate.is_open());
        gate.open();
        assert_eq!(results.next().unwrap().unwrap(), 0);
        first.sort();
        assert!(first.into_iter().eq(1..40));

        let gate = Gate::default();
        let results = par_map(0..40, 2, slow_first(&gate)).max_in_flight(64).start();
        gate.wait_for(1);
        settle();
        gate.open();
        assert!(results.map(Result::unwrap).eq(0..40));
    });
}

/// 33, 56: the length is the input's, and goes down with what is yielded; an unsized input has
/// none.
#[test]
fn the_length_is_that_of_the_input() {
    watched(|| {
        let mut results = par_map(vec![1, 2, 3, 4, 5], 3, |x: u32| x);
        for left in (1..=5).rev() {
            assert_eq!(results.len(), left);
            results.next().unwrap().unwrap();
        }
        assert_eq!(results.len(), 0);
        assert!(results.next().is_none());
        let mut numbers = 0..5;
        let results = par_map(std::iter::from_fn(move || numbers.next()), 3, |x: u32| x);
        assert_eq!(results.size_hint(), (0, None));
        assert_eq!(results.count(), 5);
    });
}

/// 34: the result is an iterator like any other, and after its end it stays at its end.
#[test]
fn the_result_is_an_iterator() {
    watched(|| {
        let mut results = par_map(1..=10, 3, |x: u64| x * x);
        let even = results.by_ref().map(Result::unwrap).filter(|x| x % 2 == 0).take(3);
        assert_eq!(even.sum::<u64>(), 4 + 16 + 36);
        let rest: u64 = results.by_ref().map(Result::unwrap).sum();
        assert_eq!(rest, 49 + 64 + 81 + 100);
        assert!(results.next().is_none() && results.next().is_none());
    });
}

/// 35: empty input works for any number of workers, sized or not, and builds none.
#[test]
fn empty_input_is_an_empty_run() {
    watched(|| {
        for workers in [1, 2, 7, 32] {
            let builds = Count::default();
            let spec = || {
                let builds = builds.clone();
                init_fn(move || {
                    builds.add();
                    Ok::<_, String>(|x: u32| x)
                })
            };
            assert_eq!(par_stateful([], spec().times(workers)).count(), 0);
            assert_eq!(par_stateful(std::iter::from_fn(|| None), spec().times(workers)).count(), 0);
            assert_eq!(par_stateful_local([], spec().times(workers)).count(), 0);
            assert_eq!(par_stateful([], spec().times(workers)).inline().count(), 0);
            assert_eq!(builds.get(), 0);
        }
    });
}

/// 37: whatever can be iterated goes in.
#[test]
fn any_iterable_goes_in() {
    watched(|| {
        fn doubled<I>(iter: I) -> Vec<u32>
        where
            I: IntoIterator<Item = u32>,
            I::IntoIter: Send + 'static,
        {
            let mut doubled: Vec<_> =
                par_map(iter, 2, |x: u32| 2 * x).map(Result::unwrap).collect();
            doubled.sort();
            doubled
        }
        let expected = [2, 4, 6];
        assert_eq!(doubled([1, 2, 3]), expected);
        assert_eq!(doubled(vec![1, 2, 3]), expected);
        assert_eq!(doubled(1..=3), expected);
        assert_eq!(doubled((1..).take_while(|&x| x < 4)), expected);
        assert_eq!(doubled(HashSet::from([1, 2, 3])), expected);
        assert_eq!(doubled(BTreeMap::from([(1, 'a'), (2, 'b'), (3, 'c')]).into_keys()), expected);
        assert_eq!(doubled(VecDeque::from([1, 2, 3])), expected);
        assert_eq!(doubled(Some(1)), [2]);
        let (sender, receiver) = mpsc::channel();
        let feeder = thread::spawn(move || (1..=3).for_each(|x| sender.send(x).unwrap()));
        assert_eq!(doubled(receiver), expected);
        feeder.join().unwrap();
        // A borrowed one, through a scope; one that cannot be sent, from where it is.
        let words = ["a".to_owned(), "bc".to_owned()];
        let lengths: Vec<_> = mtask::scope(|scope| {
            scope.par_map(&words, 2, |word: &String| word.len()).map(Result::unwrap).collect()
        });
        assert_eq!(lengths, [1, 2]);
        let shared = Rc::new([1, 2, 3]);
        let source = (0..3).map(move |i| shared[i]);
        let local = par_stateful_local(source, worker_fn(|x: u32| 2 * x).times(2));
        assert!(local.map(Result::unwrap).eq(expected));
    });
}

/// 38: one argument, several by position, several by name.
#[test]
fn arguments_come_single_by_position_and_by_name() {
    struct Area;
    #[delayed_init]
    impl Area {
        fn new() -> Self {
            Self
        }

        fn call(&mut self, width: u32, height: u32) -> u32 {
            width * height
        }
    }
    struct Quotient;
    #[delayed_init(named)]
    impl Quotient {
        fn new() -> Self {
            Self
        }

        fn call(&mut self, of: u32, by: u32) -> u32 {
            of / by
        }
    }
    watched(|| {
        let single = par_map([3], 2, |x: u32| x + 1);
        assert!(single.map(Result::unwrap).eq([4]));
        let tuples = par_stateful([(2, 3), (4, 5)], Area::spec().times(2));
        assert!(tuples.map(Result::unwrap).eq([6, 20]));
        let named = [QuotientInput { by: 2, of: 8 }, QuotientInput { of: 9, by: 3 }];
        let named = par_stateful(named, Quotient::spec().times(2));
        assert!(named.map(Result::unwrap).eq([4, 3]));
    });
}

/// 55: options of the run and of the bar are given together, in any order.
#[cfg(feature = "progress")]
#[test]
fn options_of_the_run_and_the_bar_go_together() {
    watched(|| {
        let bar = || ProgressOptions::new("squares").unit("numbers").leave(false).hidden(true);
        let run = || par_map(0..30, 3, |x: i32| x * x);
        let before = run().progress_with(bar()).max_in_flight(4).chunk_size(2);
        let after = run().max_in_flight(4).chunk_size(2).progress_with(bar());
        for results in [before, after] {
            assert_eq!(results.len(), 30);
            assert!(results.map(Result::unwrap).eq((0..30).map(|x| x * x)));
        }
    });
}
