//! The death of the program leaves no child behind.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::Duration;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::system::{Folder, children, is_alive, kill};
use crate::util::watched;
use crate::worker::{Build, Obedient, Order};

/// The folder in which the parent of these tests leaves notes, in a process that is to be one.
const PARENT: &str = "MTASK_TEST_PARENT";
const READY: &str = "the children are busy";

/// The program that is to die: one child sleeps, one computes, and one is being built.
#[test]
fn program() {
    let Ok(folder) = std::env::var(PARENT) else { return };
    let path = {
        let folder = folder.clone();
        move |name: &str| format!("{folder}/{name}")
    };
    let builds = [Build::Well, Build::Well, Build::AnnounceOnce(path("builds"))];
    // Which of them comes to which worker is open.
    let orders = vec![Order::Busy(folder.clone()); 3];
    let results = par_stateful(orders, builds.map(Obedient::spec)).backend(Processes::new());
    thread::spawn(move || {
        for name in ["sleeps", "computes", "builds"] {
            while std::fs::read_to_string(path(name)).unwrap_or_default().is_empty() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        println!("{READY}");
    });
    results.for_each(drop);
}

/// Starts the program, ends it by `end` when its children are busy, and looks for them a second
/// later.
fn dies(end: fn(u32)) {
    watched(move || {
        let folder = Folder::new();
        // A shell that starts these tests in the background has them ignore an interrupt.
        let mut parent = Command::new("env")
            .arg("--default-signal=INT")
            .arg(std::env::current_exe().unwrap())
            .args(["parent::program", "--exact", "--nocapture", "--test-threads=1"])
            .env(PARENT, folder.path(""))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(READY)), "it ended before");
        let busy = children(parent.id());
        assert_eq!(busy.len(), 3);
        end(parent.id());
        parent.wait().unwrap();
        thread::sleep(Duration::from_secs(1));
        let left: Vec<_> = busy.into_iter().filter(|&(pid, _)| is_alive(pid)).collect();
        assert_eq!(left, [], "children that are alive");
        let mut said = String::new();
        parent.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "a shower of messages");
    });
}

#[test]
fn killed() {
    dies(|pid| kill(pid, Signal::KILL));
}

#[test]
fn terminated() {
    dies(|pid| kill(pid, Signal::TERM));
}

#[test]
fn interrupted_from_the_terminal() {
    dies(|pid| {
        let group = Pid::from_raw(pid as i32).unwrap();
        kill_process_group(group, Signal::INT).unwrap();
    });
}

/// A panic in the consumer unwinds through the iterator, whose children are waited for.
#[test]
fn unwound() {
    use crate::util::process::alone;
    alone(|| {
        let specs = Obedient::spec(Build::Well).times(2);
        let mut results = par_stateful((0..).map(Order::Double), specs).backend(Processes::new());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            results.next().unwrap().unwrap();
            panic!("the consumer has enough");
        }));
        assert!(outcome.is_err());
        assert_eq!(children(process::id()), []);
    });
}
