//! The life cycle of a run.

use std::thread;
use std::time::Duration;

use mtask::prelude::*;

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// 47: it can be asked whether a run has ended.
#[test]
fn a_run_can_be_asked_whether_it_has_ended() {
    watched(|| {
        let mut results = par_map(0..3, 2, |x: u32| x);
        assert!(!results.is_finished());
        assert_eq!(results.by_ref().take(3).count(), 3);
        assert!(!results.is_finished(), "the end has not been seen yet");
        assert!(results.next().is_none());
        assert!(results.is_finished());
    });
}

/// 48: a run never used closes cleanly: nothing was pulled, nothing built, and the source is
/// dropped with it.
#[test]
fn a_run_never_used_closes_cleanly() {
    watched(|| {
        let (builds, sources) = (Count::default(), Count::default());
        let token = sources.token();
        let (source, pulled) = counted((0..10).inspect(move |_| {
            let _source = &token;
        }));
        let specs = {
            let builds = builds.clone();
            init_fn(move || {
                builds.add();
                Ok::<_, String>(|x: u32| x)
            })
        };
        drop(par_stateful(source, specs.times(4)));
        assert_eq!((pulled.get(), builds.get(), sources.get()), (0, 0, 0));
    });
}

/// 49: closing waits for what is in hand, and at most for the timeout where there is one.
#[test]
fn closing_waits_for_the_timeout_at_most() {
    watched(|| {
        let (gate, ended) = (Gate::default(), Count::default());
        let (at_gate, ends) = (gate.clone(), ended.clone());
        let results = par_map(0..4, 2, move |_: u32| {
            at_gate.pass();
            ends.add();
        });
        let results = results.shutdown_timeout(Duration::from_millis(20)).start();
        gate.wait_for(2);
        drop(results);
        // Left, and not ended: they are still at the gate, and go on when it opens.
        assert_eq!(ended.get(), 0);
        gate.open();
        eventually("those that were left end by themselves", || ended.get() == 2);
        settle();
        assert_eq!(ended.get(), 2, "no further item is run");
    });
}

/// 51, better: specs serve as many runs as one likes, one after the other and at the same time.
#[test]
fn specs_serve_many_runs() {
    struct Adder {
        by: u64,
        seen: u64,
    }
    #[delayed_init]
    impl Adder {
        fn new(by: u64) -> Self {
            Self { by, seen: 0 }
        }

        fn call(&mut self, x: u64) -> (u64, u64) {
            self.seen += 1;
            (x + self.by, self.seen)
        }
    }
    watched(|| {
        let specs: Vec<_> = Adder::spec(7).times(1).collect();
        for _ in 0..3 {
            // Each run has workers of its own: the count begins anew.
            let results = par_stateful(0..20, specs.clone());
            assert!(results.map(Result::unwrap).eq((0..20).map(|x| (x + 7, x + 1))));
        }
        let runs = (0..8).map(|_| par_stateful(0..50, specs.clone()).start());
        let runs: Vec<_> = runs.collect();
        for run in runs {
            assert!(run.map(Result::unwrap).eq((0..50).map(|x| (x + 7, x + 1))));
        }
    });
}

/// 53, better: runs nest, in a worker and as the source of one another.
#[test]
fn runs_nest() {
    watched(|| {
        let nested = par_map(0..20u64, 3, |x: u64| {
            par_map(0..=x, 2, |y: u64| y * y).map(Result::unwrap).sum::<u64>()
        });
        let sums = (0..20u64).map(|x| (0..=x).map(|y| y * y).sum::<u64>());
        assert!(nested.map(Result::unwrap).eq(sums));

        let squares = par_map(0..100u64, 2, |x: u64| x * x).map(Result::unwrap);
        let halves = par_map(squares, 3, |x: u64| x / 2).map(Result::unwrap);
        let chained = par_map(halves, 2, |x: u64| x + 1);
        assert!(chained.map(Result::unwrap).eq((0..100).map(|x| x * x / 2 + 1)));
    });
}

/// 22, 34: the holder of a run can give it to another thread, which then cleans up.
#[test]
fn a_run_can_be_handed_over() {
    watched(|| {
        let alive = Count::default();
        let specs = {
            let alive = alive.clone();
            init_fn(move || {
                let token = alive.token();
                Ok::<_, String>(move |x: u32| {
                    let _alive = &token;
                    x
                })
            })
        };
        let mut results = par_stateful(0..1_000, specs.times(2));
        assert!(results.by_ref().take(10).map(Result::unwrap).eq(0..10));
        let other = thread::spawn(move || {
            assert!(results.by_ref().take(10).map(Result::unwrap).eq(10..20));
        });
        other.join().unwrap();
        eventually("the workers are gone", || alive.get() == 0);
    });
}
