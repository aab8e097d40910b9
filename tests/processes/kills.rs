//! `kill -9` of a child that is idle, busy, or building its worker.

use std::process;
use std::sync::mpsc;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;

use crate::system::{Folder, children, is_alive, kill};
use crate::util::process::alone;
use crate::util::{eventually, watched};
use crate::worker::{Answer, Build, Obedient, Order};

/// Kills a process and waits until it is dead, reaped or not.
fn kill_for_sure(pid: u32) {
    kill(pid, Signal::KILL);
    eventually("it is dead", || !is_alive(pid));
}

#[test]
fn of_an_idle_child_costs_nothing() {
    watched(|| {
        let (orders, items) = mpsc::channel();
        let specs = [Obedient::spec(Build::Well)];
        let mut results = par_stateful(items, specs).backend(Processes::new());
        for round in 0..5 {
            orders.send(Order::Pid).unwrap();
            let Answer::Number(pid) = results.next().unwrap().unwrap() else { panic!("no number") };
            kill_for_sure(u32::try_from(pid).unwrap());
            orders.send(Order::Double(round)).unwrap();
            assert_eq!(results.next().unwrap().unwrap(), Answer::Number(2 * round));
        }
        drop(orders);
        assert!(results.next().is_none());
        assert_eq!(results.stats().builds, 6);
    });
}

#[test]
fn of_a_busy_child_costs_the_item_in_hand() {
    watched(|| {
        let folder = Folder::new();
        let orders = [Order::Double(1), Order::Announce(folder.path("busy")), Order::Double(2)];
        let specs = [Obedient::spec(Build::Well)];
        // What is alone in its frame is not run again.
        let results = par_stateful(orders, specs).backend(Processes::new()).chunk_size(1);
        let mut results = results.start();
        kill_for_sure(folder.wait_for("busy").parse().unwrap());
        assert_eq!(results.next().unwrap().unwrap(), Answer::Number(2));
        let error = results.next().unwrap().unwrap_err();
        assert_eq!((error.kind(), error.index()), (TaskErrorKind::WorkerLost, Some(1)));
        assert!(error.to_string().contains(&error.kind().to_string()), "{error}");
        let text = "item 1: worker 0 was lost: its process ended with signal: 9 (SIGKILL)";
        assert_eq!(error.to_string(), text);
        assert_eq!(results.next().unwrap().unwrap(), Answer::Number(4));
        assert!(results.next().is_none());
    });
}

#[test]
fn of_a_child_that_builds_costs_nothing() {
    alone(|| {
        let folder = Folder::new();
        let specs = [Obedient::spec(Build::AnnounceOnce(folder.path("building")))];
        let items = (0..3).map(Order::Double);
        let mut results = par_stateful(items, specs).backend(Processes::new()).start();
        folder.wait_for("building");
        let [(child, _)] = children(process::id())[..] else { panic!("there is one child") };
        kill_for_sure(child);
        for x in 0..3 {
            assert_eq!(
                results.next().unwrap().unwrap(),
                Answer::Number(2 * x),
                "it is built again"
            );
        }
        assert!(results.next().is_none());
        let stats = results.stats();
        assert_eq!((stats.builds, stats.failed_builds), (1, 1));
    });
}
