//! `.with_summaries()`: what workers leave behind.

use std::thread;
use std::time::Duration;

use mtask::prelude::*;
use mtask::{Finish, Pool};

use crate::util::{settle, watched};

/// Sums what it is given, panics at `bad`, and tells in which thread it was finished.
struct Sum {
    bad: u32,
    sum: u32,
}

#[delayed_init]
impl Sum {
    fn new(bad: u32) -> Self {
        Self { bad, sum: 0 }
    }

    fn call(&mut self, x: u32) -> u32 {
        assert_ne!(x, self.bad, "that is bad");
        self.sum += x;
        x
    }

    fn finish(self) -> (u32, Option<String>) {
        (self.sum, thread::current().name().map(str::to_owned))
    }
}

const NONE: u32 = u32::MAX;

#[test]
fn each_worker_that_was_built_leaves_one_on_its_own_thread_in_order() {
    watched(|| {
        let mut results = par_stateful(0..1_000, Sum::spec(NONE).times(3)).with_summaries();
        assert_eq!(results.by_ref().map(Result::unwrap).sum::<u32>(), 499_500);
        let began: Vec<_> = (0..3).filter(|&it| results.stats().workers[it].items > 0).collect();
        let summaries = results.into_summaries();
        assert_eq!(summaries.iter().map(|(worker, _)| *worker).collect::<Vec<_>>(), began);
        let mut sum = 0;
        for (worker, summary) in summaries {
            let (part, thread) = summary.unwrap();
            assert_eq!(thread.unwrap(), format!("mtask-{worker}"));
            sum += part;
        }
        assert_eq!(sum, 499_500);
    });
}

#[test]
fn an_early_end_has_them_too() {
    watched(|| {
        let mut results = par_stateful(0.., Sum::spec(NONE).times(2)).with_summaries();
        for _ in 0..100 {
            results.next().unwrap().unwrap();
        }
        let summaries = results.into_summaries();
        let sum: u32 = summaries.into_iter().map(|(_, summary)| summary.unwrap().0).sum();
        assert!(sum >= (0..100).sum(), "{sum}");
        // Nothing was asked of it, so that nothing was built.
        assert!(
            par_stateful(0..9, Sum::spec(NONE).times(2))
                .with_summaries()
                .into_summaries()
                .is_empty()
        );
        // And without the option there are none.
        let mut results = par_stateful(0..9, Sum::spec(NONE).times(2));
        results.by_ref().for_each(drop);
        assert!(results.into_summaries().is_empty());
    });
}

#[test]
fn a_torn_worker_leaves_an_error_and_the_next_one_a_summary() {
    watched(|| {
        let mut results = par_stateful(0..10, Sum::spec(4).times(1)).with_summaries();
        assert_eq!(results.by_ref().filter(Result::is_err).count(), 1);
        let summaries = results.into_summaries();
        let [(0, Err(torn)), (0, Ok((sum, _)))] = &summaries[..] else { panic!("{summaries:?}") };
        assert_eq!((torn.kind(), torn.index()), (TaskErrorKind::Panicked, Some(4)));
        assert!(torn.to_string().contains("that is bad"), "{torn}");
        assert_eq!(*sum, (5..10).sum::<u32>());
    });
}

#[test]
fn each_life_leaves_one() {
    watched(|| {
        let mut results =
            par_stateful(0..10, Sum::spec(NONE).times(1)).with_summaries().lifespan(4);
        results.by_ref().for_each(drop);
        let sums: Vec<u32> =
            results.into_summaries().into_iter().map(|(_, summary)| summary.unwrap().0).collect();
        assert_eq!(sums, [(0..4).sum(), (4..8).sum::<u32>(), (8..10).sum()]);
    });
}

/// Panics when it is finished.
struct Unfinished;

impl Worker for Unfinished {
    type Input = u32;
    type Output = u32;

    fn call(&mut self, x: u32) -> u32 {
        x
    }
}

impl Finish for Unfinished {
    type Summary = ();

    fn finish(self) {
        panic!("not today");
    }
}

#[derive(Clone)]
struct UnfinishedSpec;

impl Spec<Unfinished> for UnfinishedSpec {
    fn build(&self) -> Result<Unfinished, BuildError> {
        Ok(Unfinished)
    }
}

#[test]
fn a_finish_that_panics_is_an_error() {
    watched(|| {
        let mut results = par_stateful(0..10, [UnfinishedSpec]).with_summaries();
        results.by_ref().for_each(drop);
        let summaries = results.into_summaries();
        let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}") };
        assert_eq!(error.panic_message(), Some("not today"));
        assert_eq!(error.index(), None);
    });
}

#[test]
fn the_other_ways_have_them_too() {
    watched(|| {
        let total = |summaries: Vec<(usize, Result<(u32, _), TaskError>)>| -> u32 {
            summaries.into_iter().map(|(_, summary)| summary.unwrap().0).sum()
        };
        let mut run = par_stateful_local(0..100, Sum::spec(NONE).times(2)).with_summaries();
        run.by_ref().for_each(drop);
        assert_eq!(total(run.into_summaries()), 4_950);
        let mut run = par_stateful(0..100, Sum::spec(NONE).times(2)).with_summaries().inline();
        run.by_ref().for_each(drop);
        assert_eq!(total(run.into_summaries()), 4_950);
        let sum = mtask::scope(|s| {
            let mut run = s.par_stateful(0..100, Sum::spec(NONE).times(2)).with_summaries();
            run.by_ref().for_each(drop);
            total(run.into_summaries())
        });
        assert_eq!(sum, 4_950);
    });
}

#[test]
fn a_pool_has_them_of_all_its_maps() {
    watched(|| {
        let mut pool = Pool::new(Sum::spec(4).times(1)).with_summaries();
        pool.map(0..3).for_each(drop);
        pool.map(3..6).for_each(drop); // 4 tears the worker
        drop(pool.map(10..20).next());
        settle();
        let summaries = pool.into_summaries();
        let [(0, Err(_)), (0, Ok((sum, _)))] = &summaries[..] else { panic!("{summaries:?}") };
        assert!(*sum >= 15, "{sum}");
    });
}

#[test]
fn a_thread_that_is_left_behind_leaves_none() {
    watched(|| {
        let (_keep, rest) = std::sync::mpsc::channel::<u32>();
        let source = (0..4).chain(rest);
        let mut results = par_stateful(source, Sum::spec(NONE).times(1)).with_summaries();
        for _ in 0..4 {
            results.next().unwrap().unwrap();
        }
        // The worker is inside the source, which does not end.
        thread::sleep(Duration::from_millis(5));
        assert!(results.into_summaries().is_empty());
    });
}
