//! `stats()`: counts, times, and the sentence that says which side holds the run up.

use std::iter;
use std::thread::{self, sleep};
use std::time::Duration;

use mtask::{Retry, Spec, Stats, WorkerState, WorkerStats, init_fn, par_map, par_stateful};

use crate::util::{Count, Gate, eventually, watched};

const MS: Duration = Duration::from_millis(1);

/// The sum over all workers.
fn all(stats: &Stats, time: impl Fn(&WorkerStats) -> Duration) -> Duration {
    stats.workers.iter().map(time).sum()
}

// What a sleep is booked to, and nothing about the rest: that is as long as the machine makes it. What
// follows from the figures is tested beside `Stats::bottleneck`, with figures that are given.

#[test]
fn time_in_the_source_is_time_at_the_source() {
    watched(|| {
        let source = (0..20).inspect(|_| sleep(5 * MS));
        let mut run = par_map(source, 2, |x: u32| x);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert!(all(&stats, |worker| worker.pulling) >= 100 * MS, "{stats}");
    });
}

#[test]
fn time_at_items_is_work() {
    watched(|| {
        let mut run = par_map(0..20, 2, |_: u32| sleep(5 * MS));
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert!(all(&stats, |worker| worker.working) >= 100 * MS, "{stats}");
    });
}

/// Of several runs one books a wait for room as such. A worker backs off before it sleeps, which on a
/// busy machine may take until there is room; that time is booked as the source's.
fn is_booked_as_room(run: impl Fn() -> Stats) {
    eventually("a wait for room is booked as such", || {
        all(&run(), |worker| worker.awaiting_room) > Duration::ZERO
    });
}

#[test]
fn a_consumer_that_is_elsewhere_does_not_wait_and_workers_wait_for_room() {
    watched(|| {
        is_booked_as_room(|| {
            let mut run = par_map(0..100, 2, |x: u32| x).max_in_flight(4);
            run.by_ref().for_each(|_| sleep(2 * MS));
            let stats = run.stats();
            assert!(stats.elapsed - stats.consumer_waited >= 200 * MS, "{stats}");
            stats
        });
    });
}

#[test]
fn workers_behind_a_slow_item_wait_for_room() {
    watched(|| {
        is_booked_as_room(|| {
            let (gate, calls) = (Gate::default(), Count::default());
            let (passed, counted) = (gate.clone(), calls.clone());
            let call = move |x: u32| {
                counted.add();
                if x == 0 {
                    passed.pass();
                }
            };
            let mut run = par_map(0..50, 2, call).max_in_flight(8).start();
            // All that the window has room for is done but the first item.
            eventually("the window is full", || calls.get() == 8);
            eventually("the other worker waits", || {
                run.stats().workers.iter().any(|worker| worker.state == WorkerState::Waiting)
            });
            sleep(20 * MS);
            gate.open();
            run.by_ref().for_each(drop);
            let stats = run.stats();
            assert!(all(&stats, |worker| worker.working) >= 20 * MS, "{stats}");
            stats
        });
    });
}

#[test]
fn time_in_builds_is_building() {
    watched(|| {
        let spec = init_fn(|| {
            sleep(30 * MS);
            Ok::<_, String>(|x: u32| x)
        });
        let mut run = par_stateful(0..4, spec.times(2));
        run.by_ref().for_each(drop);
        let stats = run.stats();
        assert!(stats.builds > 0, "{stats}");
        let building = all(&stats, |worker| worker.building);
        assert!(building >= 30 * MS * u32::try_from(stats.builds).unwrap(), "{stats}");
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
    let check = move |stats: Stats| {
        let worker = &stats.workers[0];
        assert_eq!((stats.retries, worker.retries, worker.errors), (5, 5, 0), "{stats}");
        assert!(worker.awaiting_retry >= RETRIES * delay / 2, "{stats}");
        // Would be more if the delay were counted as work too.
        assert!(worker.working + worker.awaiting_retry <= stats.elapsed, "{stats}");
        let text = stats.to_string();
        let heads: Vec<_> = text.lines().next().unwrap().split("  ").map(str::trim).collect();
        assert!(heads.contains(&"retries") && heads.contains(&"delayed"), "{text}");
    };
    watched(move || {
        let mut run =
            par_map(0..9, 1, flaky()).retry(Retry::times(9).delay(delay)).flatten_errors();
        assert!(run.by_ref().all(|result| result.is_ok()));
        check(run.get_ref().stats());
        let run = par_map(0..9, 1, flaky()).retry(Retry::times(9).delay(delay)).inline();
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
        let run =
            par_map(0..1, 1, busy).retry(Retry::times(1).delay(hour)).flatten_errors().start();
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
        assert_eq!(run.stats(), Stats::default());
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

#[cfg(feature = "serde")]
#[test]
fn it_can_be_serialised() {
    watched(|| {
        let mut run = par_map(0..4, 1, |x: u32| 6 / x);
        run.by_ref().for_each(drop);
        let stats = run.stats();
        let json = serde_json::to_value(&stats).unwrap();
        assert_eq!(
            (&json["yielded"], &json["errors"], &json["panics"]),
            (&4.into(), &1.into(), &1.into())
        );
        assert_eq!(json["elapsed"]["secs"], stats.elapsed.as_secs());
        assert_eq!(json["elapsed"]["nanos"], stats.elapsed.subsec_nanos());
        let worker = &json["workers"][0];
        assert_eq!((&worker["items"], &worker["errors"]), (&4.into(), &1.into()));
        assert_eq!(worker["state"], "Idle");
        assert_eq!(serde_json::to_value(mtask::Bottleneck::Source).unwrap(), "Source");
    });
}
