//! `stats()`: counts, times, and the sentence that says which side holds the run up.

use std::iter;
use std::thread::{self, sleep};
use std::time::Duration;

use mtask::{Bottleneck, Spec, WorkerState, init_fn, par_map, par_stateful};

use crate::util::{Count, Gate, watched};

const MS: Duration = Duration::from_millis(1);

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn a_slow_source() {
    watched(|| {
        let source = (0..40).inspect(|_| sleep(5 * MS));
        let mut run = par_map(source, cores(), |x: u32| x);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Source), "{stats}");
        assert!(stats.advice().starts_with("source-bound: "), "{stats}");
        assert!(stats.advice().contains("% of worker time"), "{stats}");
    });
}

#[test]
fn slow_workers() {
    watched(|| {
        let mut run = par_map(0..60, 2 * cores(), |_: u32| sleep(5 * MS));
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Workers), "{stats}");
        assert!(stats.advice().starts_with("worker-bound: "), "{stats}");
    });
}

#[test]
fn too_few_workers() {
    if cores() == 1 {
        return;
    }
    watched(|| {
        let mut run = par_map(0..40, 1, |_: u32| sleep(5 * MS));
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::TooFewWorkers), "{stats}");
        assert!(stats.advice().contains("use more"), "{stats}");
    });
}

#[test]
fn a_slow_consumer() {
    watched(|| {
        let mut run = par_map(0..200, cores(), |x: u32| x).max_in_flight(16);
        run.by_ref().for_each(|_| sleep(2 * MS));
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Consumer), "{stats}");
        assert!(stats.advice().starts_with("consumer-bound: "), "{stats}");
    });
}

#[test]
fn skewed_items() {
    watched(|| {
        let call = |x: u32| sleep(if x.is_multiple_of(16) { 60 * MS } else { MS });
        let mut run = par_map(0..80, 4, call).max_in_flight(8);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::SlowItems), "{stats}");
        assert!(stats.advice().contains(".max_in_flight("), "{stats}");
    });
}

#[test]
fn slow_builds() {
    watched(|| {
        let spec = init_fn(|| {
            sleep(100 * MS);
            Ok::<_, String>(|x: u32| x)
        });
        let mut run = par_stateful(0..4, spec.times(2));
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert_eq!(stats.bottleneck(), Some(Bottleneck::Builds), "{stats}");
    });
}

#[test]
fn counts_add_up_and_times_fill_the_run() {
    watched(|| {
        let call = |x: u32| if x % 10 == 3 { Err("no") } else { Ok(x) };
        let mut run = par_map(0..5_000, 3, call).flatten_errors();
        assert_eq!(run.by_ref().filter(Result::is_err).count(), 500);
        let stats = run.get_ref().stats();
        assert_eq!(stats.yielded, 5_000);
        assert_eq!(stats.workers.len(), 3);
        assert_eq!(stats.workers.iter().map(|worker| worker.items).sum::<usize>(), 5_000);
        assert_eq!(stats.workers.iter().map(|worker| worker.errors).sum::<usize>(), 500);
        assert!(stats.most_in_flight <= 4_096 && stats.window > 0);
        for worker in &stats.workers {
            let times = [
                worker.building,
                worker.working,
                worker.pulling,
                worker.awaiting_input,
                worker.awaiting_room,
            ];
            assert!(times.iter().sum::<Duration>() <= stats.elapsed + 10 * MS, "{stats}");
        }
        // It stands still after the end.
        sleep(5 * MS);
        assert_eq!(run.get_ref().stats().elapsed, stats.elapsed);
    });
}

#[test]
fn the_delay_of_a_retry_is_no_work() {
    const RETRIES: u32 = 5;
    let delay = 10 * MS;
    let flaky = || {
        let mut calls = 0;
        move |x: u32| {
            calls += 1;
            if calls <= RETRIES { Err("busy") } else { Ok(x) }
        }
    };
    let check = move |stats: mtask::Stats| {
        let worker = &stats.workers[0];
        assert_eq!((stats.retries, worker.retries, worker.errors), (5, 5, 0), "{stats}");
        assert!(worker.awaiting_retry >= RETRIES * delay, "{stats}");
        // Would be more if the delay were counted as work too.
        assert!(worker.working + worker.awaiting_retry <= stats.elapsed, "{stats}");
        let text = stats.to_string();
        let heads: Vec<_> = text.lines().next().unwrap().split("  ").map(str::trim).collect();
        assert!(heads.contains(&"retries") && heads.contains(&"delayed"), "{text}");
    };
    watched(move || {
        let mut run = par_map(0..9, 1, flaky()).retries_after(9, delay).flatten_errors();
        assert!(run.by_ref().all(|result| result.is_ok()));
        check(run.get_ref().stats());
        let run = par_map(0..9, 1, flaky()).retries_after(9, delay).inline();
        let mut run = run.flatten_errors();
        assert!(run.by_ref().all(|result| result.is_ok()));
        check(run.get_ref().stats());
    });
}

#[test]
fn a_worker_that_waits_for_its_next_attempt_is_not_working() {
    watched(|| {
        let calls = Count::default();
        let counted = calls.clone();
        let busy = move |_: u32| {
            counted.add();
            Err::<u32, _>("busy")
        };
        let hour = Duration::from_secs(3_600);
        let run = par_map(0..1, 1, busy).retries_after(1, hour).flatten_errors().start();
        let state = || run.get_ref().stats().workers[0].state;
        while calls.get() == 0 || state() != WorkerState::Waiting {
            thread::yield_now();
        }
    });
}

#[test]
fn a_window_that_has_shrunk_is_told_as_large_as_it_was() {
    watched(|| {
        // Cheap, so that the window grows; then each takes long, so that it shrinks.
        let call = move |x: u32| {
            if x >= 20_000 {
                sleep(MS);
            }
            x
        };
        let mut run = par_map(0..20_400, 2, call);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert!(stats.most_in_flight <= stats.window, "{stats}");
        assert!(stats.window > 32, "{stats}");
    });
}

#[test]
fn it_can_be_asked_for_at_any_moment() {
    watched(|| {
        let run = par_map(0..10, 2, |x: u32| x);
        assert_eq!(run.stats(), mtask::Stats::default());
        assert_eq!(run.stats().advice(), "no side stands out");

        let gate = Gate::default();
        let passed = gate.clone();
        let mut run = par_map(0..2, 2, move |x: u32| {
            passed.pass();
            x
        })
        .start();
        gate.wait_for(2);
        sleep(20 * MS);
        for worker in run.stats().workers {
            assert_eq!(worker.state, WorkerState::Working);
            assert!(worker.since >= 15 * MS, "{:?}", worker.since);
        }
        gate.open();
        run.by_ref().for_each(drop);
        assert!(run.stats().workers.iter().all(|worker| worker.state == WorkerState::Idle));
    });
}

#[test]
fn the_table_has_a_line_for_each_worker_and_the_sentence() {
    watched(|| {
        let mut run = par_map(iter::repeat_n(1, 100), 3, |x: u32| x);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        let text = stats.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 3 + 2, "{text}");
        assert!(lines[0].starts_with("worker"), "{text}");
        let width = lines[0].len();
        assert!(lines[1..4].iter().all(|line| line.chars().count() == width), "{text}");
        assert!(lines[4].starts_with("100 items in "), "{text}");
        assert_eq!(lines[5], stats.advice());
    });
}

#[cfg(feature = "json")]
#[test]
fn it_can_be_serialised() {
    fn is_serialisable<T: serde::Serialize>(_: &T) {}
    let _ = is_serialisable::<mtask::Json<u32>>;
}
