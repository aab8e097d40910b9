//! What the front asks of workers beside their items, where these are in processes: to be tried again, to
//! be started anew, to be told of the item, to be ended in order, to be counted.

use std::collections::HashSet;
use std::process;

use mtask::prelude::*;
use mtask::{Bottleneck, Context, Processes};
use serde::{Deserialize, Serialize};

/// What a worker tells of itself and of its item.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    pid: u32,
    seen: usize,
    worker: usize,
    index: usize,
    attempt: usize,
}

/// Fails before the attempt that an item asks for, by a panic where the item is odd.
struct Flaky {
    seen: usize,
}

#[delayed_init(remote)]
impl Flaky {
    fn new() -> Self {
        Self { seen: 0 }
    }

    fn call(&mut self, at: usize, context: &Context<'_>) -> Result<Told, String> {
        self.seen += 1;
        if context.attempt() < at {
            assert!(context.index() % 2 == 0, "not yet");
            return Err("not yet".to_owned());
        }
        Ok(Told {
            pid: process::id(),
            seen: self.seen,
            worker: context.worker(),
            index: context.index(),
            attempt: context.attempt(),
        })
    }
}

#[test]
fn a_worker_is_told_of_its_item() {
    let results = par_stateful((0..2_000).map(|_| 1), Flaky::spec().times(2));
    let mut workers = HashSet::new();
    for (at, told) in results.backend(Processes::new()).enumerate() {
        let told = told.unwrap().unwrap();
        assert_eq!((told.index, told.attempt), (at, 1));
        workers.insert((told.worker, told.pid));
    }
    assert!(workers.iter().all(|(worker, _)| *worker < 2), "{workers:?}");
    assert!(workers.len() <= 2, "{workers:?}");
}

#[test]
fn what_fails_is_tried_again() {
    let run = par_stateful((0..40).map(|_| 3), Flaky::spec().times(2));
    let mut run = run.backend(Processes::new()).retries(2).flatten_errors();
    for (at, told) in run.by_ref().enumerate() {
        let told = told.unwrap();
        assert_eq!((told.index, told.attempt), (at, 3));
    }
    let stats = run.get_ref().stats();
    assert_eq!((stats.retries, stats.panics), (80, 40));
    let errors: usize = stats.workers.iter().map(|worker| worker.errors).sum();
    assert_eq!((stats.errors, errors), (0, 0), "{stats}");

    let run = par_stateful((0..4).map(|_| 9), Flaky::spec().times(2));
    let run = run.backend(Processes::new()).retries(1).flatten_errors();
    for (at, error) in run.enumerate() {
        let error = error.unwrap_err();
        let kind = [TaskErrorKind::Failed, TaskErrorKind::Panicked][at % 2];
        assert_eq!((error.index(), error.kind(), error.attempts()), (Some(at), kind, 2));
    }
}

#[test]
fn it_waits_before_each_further_attempt() {
    let delay = std::time::Duration::from_millis(10);
    let run = par_stateful([5, 5], [Flaky::spec()]).backend(Processes::new());
    let mut run = run.retry(Retry::times(4).delay(delay).backoff(2.0)).flatten_errors();
    assert!(run.by_ref().all(|told| told.unwrap().attempt == 5));
    let waited = run.get_ref().stats().workers[0].awaiting_retry;
    // 10, 20, 40 and 80 ms, of which jitter takes off half at the most.
    assert!(waited >= 150 * delay / 20, "{waited:?}");
}

/// Ends its process at one attempt, and panics at those before it.
struct Fatal;

#[delayed_init(remote)]
impl Fatal {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, at: usize, context: &Context<'_>) -> Result<usize, String> {
        match context.attempt() {
            attempt if attempt < at => panic!("not yet"),
            attempt if attempt == at => process::abort(),
            attempt => Ok(attempt),
        }
    }
}

#[test]
fn an_error_has_the_attempts_that_were_made() {
    // Lost at the second attempt, which is not taken for one of the item behind it.
    let run = par_stateful([2, 9, 1, 9], [Fatal::spec()]).backend(Processes::new());
    let errors: Vec<_> = run.retries(3).flatten_errors().start().map(Result::unwrap_err).collect();
    let told: Vec<_> = errors.iter().map(|error| (error.kind(), error.attempts())).collect();
    use TaskErrorKind::{Panicked, WorkerLost};
    assert_eq!(told, [(WorkerLost, 2), (Panicked, 4), (WorkerLost, 1), (Panicked, 4)]);

    // A cancel ends the pause before the next attempt.
    let hour = std::time::Duration::from_secs(3_600);
    let run = par_stateful([9], [Flaky::spec()]).backend(Processes::new());
    let run = run.retry(Retry::times(100).delay(hour));
    let handle = run.cancel_handle();
    let mut run = run.flatten_errors().start();
    while run.get_ref().stats().builds == 0 {
        std::thread::yield_now();
    }
    handle.cancel();
    // The cancel may come before the item is pulled.
    if let Some(error) = run.next() {
        assert_eq!(error.unwrap_err().attempts(), 1);
    }
}

#[test]
fn a_process_is_started_anew_after_so_many_items() {
    let run = par_stateful((0..20).map(|_| 1), Flaky::spec().times(2));
    let mut run = run.backend(Processes::new()).lifespan(3);
    let mut pids = HashSet::new();
    for (at, told) in run.by_ref().enumerate() {
        let told = told.unwrap().unwrap();
        assert_eq!(told.index, at);
        assert!(told.seen <= 3, "{told:?}");
        pids.insert(told.pid);
    }
    assert!(pids.len() >= 20 / 3, "{pids:?}");
    assert_eq!(run.stats().builds, pids.len());
}

#[test]
fn a_run_is_ended_in_order() {
    let mut run =
        par_stateful((0_usize..).map(|_| 1), Flaky::spec().times(2)).backend(Processes::new());
    let handle = run.cancel_handle();
    for at in 0..100 {
        assert_eq!(run.next().unwrap().unwrap().unwrap().index, at);
    }
    handle.cancel();
    let mut at = 100;
    for told in run {
        assert_eq!(told.unwrap().unwrap().index, at);
        at += 1;
    }
    assert!(at < 10_000, "{at}");
}

#[test]
fn its_figures_say_what_holds_it_up() {
    let source =
        (0..20).map(|_| 1).inspect(|_| std::thread::sleep(std::time::Duration::from_millis(10)));
    let mut run =
        par_stateful(source, Flaky::spec().times(2)).backend(Processes::new()).build_now();
    assert_eq!(run.by_ref().count(), 20);
    let stats = run.stats();
    assert_eq!(stats.workers.iter().map(|worker| worker.items).sum::<usize>(), 20);
    assert!(matches!(stats.bottleneck(), Some(Bottleneck::Source | Bottleneck::Builds)), "{stats}");
}

/// Sums what it is given, in a process.
struct Sum {
    sum: u32,
}

#[delayed_init(remote)]
impl Sum {
    fn new() -> Self {
        Self { sum: 0 }
    }

    fn call(&mut self, x: u32) -> u32 {
        match x {
            666 => panic!("the state is torn"),
            999 => process::abort(),
            _ => self.sum += x,
        }
        x
    }

    fn finish(self) -> (u32, u32) {
        assert_ne!(self.sum, 7, "this one is never finished");
        (self.sum, process::id())
    }
}

/// A worker's sum and process, or why there is none.
type Left = (usize, Result<(u32, u32), TaskError>);

fn summaries_of(items: Vec<u32>, workers: usize) -> Vec<Left> {
    let specs = Sum::spec().times(workers);
    let mut run = par_stateful(items, specs).with_summaries().backend(Processes::new());
    run.by_ref().for_each(drop);
    run.into_summaries()
}

#[test]
fn each_worker_leaves_a_summary() {
    let summaries = summaries_of((0..600).collect(), 2);
    let mut sum = 0;
    for (worker, summary) in summaries {
        let (part, pid) = summary.unwrap();
        assert!(worker < 2 && pid != process::id());
        sum += part;
    }
    assert_eq!(sum, (0..600).sum::<u32>());
}

#[test]
fn a_worker_that_is_torn_lost_or_not_finished_leaves_an_error() {
    for (bad, why) in [(666, "the state is torn"), (999, "signal: 6")] {
        let summaries = summaries_of(vec![1, 2, bad, 10, 20], 1);
        let [(0, Err(torn)), (0, Ok((sum, _)))] = &summaries[..] else { panic!("{summaries:?}") };
        assert_eq!(torn.index(), Some(2));
        assert!(torn.to_string().contains(why), "{torn}");
        assert_eq!(*sum, 30);
    }
    let summaries = summaries_of(vec![7], 1);
    let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}") };
    assert!(error.to_string().contains("this one is never finished"), "{error}");
}

#[test]
fn each_life_leaves_a_summary_and_so_does_an_early_end() {
    let run = par_stateful(0..10, [Sum::spec()]).with_summaries().lifespan(4);
    let mut run = run.backend(Processes::new());
    run.by_ref().for_each(drop);
    let sums = run.into_summaries().into_iter().map(|(_, summary)| summary.unwrap().0);
    assert_eq!(sums.collect::<Vec<_>>(), [(0..4).sum(), (4..8).sum::<u32>(), (8..10).sum()]);

    let run = par_stateful(10.., Sum::spec().times(2)).with_summaries();
    let mut run = run.backend(Processes::new());
    for _ in 0..100 {
        run.next().unwrap().unwrap();
    }
    let sums = run.into_summaries().into_iter().map(|(_, summary)| summary.unwrap().0);
    assert!(sums.sum::<u32>() >= (10..110).sum());
}
