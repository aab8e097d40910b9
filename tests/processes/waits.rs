//! What the parent waits for has a way out: a child that has died, a limit, or the end of the run.

use std::sync::mpsc;
use std::time::Duration;
use std::{process, thread};

use mtask::prelude::*;
use mtask::{CancelHandle, Processes};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::system::{Folder, children, is_alive, kill};
use crate::util::process::alone;
use crate::util::{eventually, watched, watched_for};
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
        let backend = Processes::new().shutdown_timeout(Duration::from_millis(100));
        let mut results = par_stateful(items, specs).backend(backend);
        orders.send(Order::Pid).unwrap();
        let Answer::Number(pid) = results.next().unwrap().unwrap() else { panic!("no number") };
        kill(u32::try_from(pid).unwrap(), Signal::STOP);
        orders.send(Order::Env("x".repeat(LARGE))).unwrap();
        thread::sleep(Duration::from_millis(100));
        drop(results);
    });
}

/// Lets no more descriptors be opened while it is there.
struct NoDescriptors(Rlimit);

impl NoDescriptors {
    fn begin() -> Self {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..before }).unwrap();
        Self(before)
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).unwrap();
    }
}

fn kill_all() {
    for (child, _) in children(process::id()) {
        kill(child, Signal::KILL);
    }
}

#[test]
fn a_process_that_cannot_be_started_for_a_while_costs_no_item() {
    alone(|| {
        const WORKERS: usize = 3;
        let items = (0..300).map(|x| {
            if x == 100 {
                kill_all();
                let none = NoDescriptors::begin();
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(500));
                    drop(none);
                });
            }
            Order::Double(x)
        });
        let specs = Obedient::spec(Build::Well).times(WORKERS);
        let mut results = par_stateful(items, specs).backend(Processes::new());
        let errors: Vec<_> = results.by_ref().filter_map(Result::err).collect();
        assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::WorkerLost), "{errors:?}");
        assert!(errors.len() <= WORKERS, "one item for each kill at the most: {errors:?}");
        assert!(results.stats().failed_builds > 0);
        assert_eq!(results.stats().retired, 0);
    });
}

/// A run whose first item is done, and whose second one waits for a process that cannot be started.
fn stuck() -> (impl Iterator<Item = Result<Answer, TaskError>>, CancelHandle, NoDescriptors) {
    let (orders, items) = mpsc::channel();
    let specs = [Obedient::spec(Build::Well)];
    let mut results = par_stateful(items, specs).backend(Processes::new());
    let cancel = results.cancel_handle();
    orders.send(Order::Double(1)).unwrap();
    assert_eq!(results.next().unwrap().unwrap(), Answer::Number(2));
    let [(child, _)] = children(process::id())[..] else { panic!("there is one child") };
    kill(child, Signal::KILL);
    eventually("it is dead", || !is_alive(child));
    let none = NoDescriptors::begin();
    orders.send(Order::Double(2)).unwrap();
    thread::sleep(Duration::from_secs(2));
    (results, cancel, none)
}

// The pauses add up to more than a minute.
const SOONER: Duration = Duration::from_secs(40);

#[test]
fn a_drop_ends_the_pause_before_a_process_is_tried_again() {
    alone(|| {
        watched_for(SOONER, || {
            let (results, _, none) = stuck();
            drop(results);
            drop(none);
        });
    });
}

#[test]
fn a_cancel_ends_the_pause_before_a_process_is_tried_again() {
    alone(|| {
        watched_for(SOONER, || {
            let (results, cancel, none) = stuck();
            cancel.cancel();
            let errors: Vec<_> = results.map(Result::unwrap_err).collect();
            drop(none);
            assert_eq!(errors.len(), 1, "what was pulled: {errors:?}");
            let text = format!("{:#}", errors[0]);
            assert!(text.contains("no process could be started"), "{text}");
        });
    });
}
