//! What the parent waits for has a way out: a child that has died, a limit, or the end of the run.

use std::sync::mpsc;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;

use crate::system::{Folder, is_alive, kill};
use crate::util::{eventually, watched};
use crate::worker::{Answer, Build, Obedient, Order};

/// More than a socket holds.
const LARGE: usize = 1 << 20;

#[test]
fn a_write_to_a_dead_child_whose_socket_is_held_ends() {
    watched(|| {
        let folder = Folder::new();
        let (orders, items) = mpsc::channel();
        let specs = [Obedient::spec(Build::Well)];
        let mut results = par_stateful(items, specs).backend(Processes::new());
        let script = format!("exec 3<&0; sleep 600 & echo $! > {}", folder.path("holder"));
        orders.send(Order::Lend(script)).unwrap();
        results.next().unwrap().unwrap();
        orders.send(Order::Pid).unwrap();
        let Answer::Number(pid) = results.next().unwrap().unwrap() else { panic!("no number") };
        let pid = u32::try_from(pid).unwrap();
        kill(pid, Signal::KILL);
        eventually("it is dead", || !is_alive(pid));
        orders.send(Order::Env("x".repeat(LARGE))).unwrap();
        assert_eq!(results.next().unwrap().unwrap(), Answer::Text(None), "it is sent again");
        kill(folder.wait_for("holder").trim().parse().unwrap(), Signal::KILL);
    });
}

#[test]
fn a_write_to_a_child_that_is_stopped_ends_with_the_run() {
    watched(|| {
        let (orders, items) = mpsc::channel();
        let specs = [Obedient::spec(Build::Well)];
        let backend = Processes::new().shutdown_timeout(std::time::Duration::from_millis(100));
        let mut results = par_stateful(items, specs).backend(backend);
        orders.send(Order::Pid).unwrap();
        let Answer::Number(pid) = results.next().unwrap().unwrap() else { panic!("no number") };
        kill(u32::try_from(pid).unwrap(), Signal::STOP);
        orders.send(Order::Env("x".repeat(LARGE))).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(results);
    });
}
