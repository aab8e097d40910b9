//! 11. Quiet: waiting costs no CPU; a stalled source or consumer leaves the process asleep.
#![cfg(target_os = "linux")]

use std::thread::sleep;
use std::time::Duration;

use mtask::{ParStatefulExt, Spec, par_map, par_stateful_local, worker_fn};

use crate::util::process::{alone, cpu_time, sleeps};
use crate::util::{Gate, each_pulling_way, each_way, settle, stalled};

/// How long the process is looked at.
const STALL: Duration = Duration::from_millis(400);

/// Asserts that the process sleeps for as long as it is looked at.
///
/// A loop that spins takes all of that time, one that polls once a millisecond wakes 400 times.
#[track_caller]
fn assert_asleep(what: &str) {
    // What was going on before comes to rest.
    settle();
    let (cpu, woken) = (cpu_time(), sleeps());
    sleep(STALL);
    let (cpu, woken) = (cpu_time() - cpu, sleeps() - woken);
    assert!(cpu < STALL / 10, "{what}: {cpu:?} of work in {STALL:?}");
    assert!(woken < 40, "{what}: woken {woken} times in {STALL:?}");
}

#[test]
fn a_stalled_consumer_leaves_the_process_asleep() {
    alone(|| {
        each_way!(|start, way| {
            let mut results = start(0..100_000usize, worker_fn(|x: usize| x).times(4));
            assert!(results.next().is_some());
            assert_asleep(&format!("{way:?}"));
        });
    });
}

#[test]
fn a_stalled_source_leaves_the_process_asleep() {
    alone(|| {
        each_pulling_way!(|start, way| {
            let gate = Gate::default();
            let mut results =
                start(stalled(0..20usize, 10, &gate), worker_fn(|x: usize| x).times(4));
            assert_eq!(results.by_ref().take(10).count(), 10);
            gate.wait_for(1);
            assert_asleep(&format!("consumer outside, {way:?}"));
            // And with the consumer inside `next()`.
            let opener = std::thread::spawn(move || {
                assert_asleep("consumer inside");
                gate.open();
            });
            assert!(results.next().is_some());
            opener.join().unwrap();
        });
    });
}

#[test]
fn a_slow_item_leaves_the_process_asleep() {
    alone(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let spec = {
                let gate = gate.clone();
                worker_fn(move |x: usize| {
                    if x == 3 {
                        gate.pass();
                    }
                    x
                })
            };
            let results = start(0..1_000usize, spec.times(4)).max_in_flight(50);
            let opener = std::thread::spawn(move || {
                gate.wait_for(1);
                assert_asleep(&format!("{way:?}"));
                gate.open();
            });
            assert_eq!(results.count(), 1_000);
            opener.join().unwrap();
        });
    });
}

#[test]
fn a_stalled_chain_of_stages_leaves_the_process_asleep() {
    alone(|| {
        let gate = Gate::default();
        let first = stalled(0..20usize, 5, &gate).par_map(2, |x: usize| x).propagate_panics();
        let second = par_map(first, 2, |x: usize| x).propagate_panics();
        let mut results = par_stateful_local(second, worker_fn(|x: usize| x).times(2));
        let opener = {
            let gate = gate.clone();
            std::thread::spawn(move || {
                gate.wait_for(1);
                assert_asleep("a chain");
                gate.open();
            })
        };
        assert_eq!(results.by_ref().count(), 20);
        opener.join().unwrap();
    });
}
