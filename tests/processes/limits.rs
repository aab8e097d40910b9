//! Restarts, time limits, and ends by force.

use std::time::{Duration, Instant};

use mtask::Processes;
use mtask::prelude::*;

use crate::util::watched;
use crate::worker::{Answer, Build, Obedient, Order};

const LONG: Duration = Duration::from_secs(600);

#[test]
fn a_worker_that_dies_too_often_is_retired() {
    let aborts = |x: u64| if x < 3 { Order::Abort } else { Order::Double(x) };
    let backend = Processes::new().max_restarts(2, LONG);
    let specs = [Obedient::spec(Build::Well)];
    let mut results = par_stateful((0..10).map(aborts), specs).backend(backend);
    for index in 0..3 {
        let error = results.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.index()), (TaskErrorKind::WorkerLost, Some(index)));
    }
    let rest: Vec<_> = results.by_ref().map(Result::unwrap_err).collect();
    for (index, error) in (3..).zip(&rest) {
        assert!(error.index().is_none_or(|it| it == index), "{error}");
        assert_eq!((error.kind(), error.worker()), (TaskErrorKind::NoWorkerLeft, None));
        let cause = std::error::Error::source(error).unwrap().to_string();
        assert_eq!(cause, "its process ended 3 times within 600s");
    }
    assert_eq!(results.ended(), Some(Ended::NoWorkerLeft));
    assert_eq!(results.stats().retired, 1);
}

#[test]
fn the_others_take_over_from_a_worker_that_is_retired() {
    watched(|| {
        // Of three deaths one of the two has two, and the other one at the most.
        let aborts = |x: u64| if x < 3 { Order::Abort } else { Order::Double(x) };
        let backend = Processes::new().max_restarts(1, LONG);
        let specs = Obedient::spec(Build::Well).times(2);
        let mut results = par_stateful((0..2_000).map(aborts), specs).backend(backend);
        for x in 0..2_000 {
            let result = results.next().unwrap();
            if x < 3 {
                assert_eq!(result.unwrap_err().kind(), TaskErrorKind::WorkerLost);
            } else {
                assert_eq!(result.unwrap(), Answer::Number(2 * x));
            }
        }
        assert!(results.next().is_none());
        assert_eq!(results.stats().retired, 1);
    });
}

#[test]
fn a_run_that_is_left_ends_its_children_by_force_after_a_while() {
    watched(|| {
        for sleeper in [Build::Well, Build::Sleep(LONG)] {
            let specs = Obedient::spec(sleeper).times(2);
            let backend = Processes::new().shutdown_timeout(Duration::from_millis(200));
            let items = (0..10).map(|_| Order::Sleep(LONG));
            let results = par_stateful(items, specs).backend(backend).start();
            std::thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            drop(results);
            assert!(start.elapsed() < LONG / 10, "{:?}", start.elapsed());
        }
    });
}

#[test]
fn a_run_that_is_left_waits_for_what_is_in_hand() {
    watched(|| {
        let specs = Obedient::spec(Build::Well).times(1);
        let items = [Order::Double(1), Order::Sleep(Duration::from_millis(300)), Order::Double(2)];
        let mut results = par_stateful(items, specs).backend(Processes::new());
        assert!(results.next().is_some());
        drop(results);
    });
}

#[test]
fn a_limit_that_is_not_reached_costs_nothing() {
    let backend = Processes::new().task_timeout(LONG).build_timeout(LONG);
    let specs = Obedient::spec(Build::Well).times(2);
    let results = par_stateful((0..500).map(Order::Double), specs).backend(backend);
    assert!(results.map(Result::unwrap).eq((0..500).map(|x| Answer::Number(2 * x))));
}

#[test]
fn each_item_has_the_time_for_itself() {
    watched(|| {
        // More in all than one of them may take.
        let backend = Processes::new().task_timeout(Duration::from_secs(2));
        let specs = Obedient::spec(Build::Well).times(1);
        let items = (0..8).map(|_| Order::Sleep(Duration::from_millis(400)));
        let results = par_stateful(items, specs).backend(backend);
        assert_eq!(results.filter(Result::is_ok).count(), 8);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_time_in_which_the_program_was_stopped_does_not_count() {
    use std::process::{Command, Stdio};

    use rustix::process::Signal;

    use crate::system::{Folder, kill};

    const STOPPED: &str = "MTASK_TEST_STOPPED";

    watched(|| {
        let limit = Duration::from_secs(3);
        if let Ok(path) = std::env::var(STOPPED) {
            // In the program that is stopped: the item goes on meanwhile, for longer than its limit.
            let backend = Processes::new().task_timeout(limit);
            let items = [Order::Stay(path, limit + Duration::from_secs(1))];
            let mut results = par_stateful(items, [Obedient::spec(Build::Well)]).backend(backend);
            results.next().unwrap().unwrap();
            return;
        }
        let folder = Folder::new();
        let test = "limits::the_time_in_which_the_program_was_stopped_does_not_count";
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(STOPPED, folder.path("begun"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        folder.wait_for("begun");
        kill(program.id(), Signal::STOP);
        std::thread::sleep(limit);
        kill(program.id(), Signal::CONT);
        assert!(program.wait().unwrap().success(), "the item was taken to be too slow");
    });
}
