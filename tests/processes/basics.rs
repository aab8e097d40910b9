//! The main job, over processes.

use std::sync::mpsc;

use mtask::prelude::*;
use mtask::{Processes, RemoteError};

use crate::util::watched;

struct Lengths {
    factor: usize,
}

#[delayed_init(remote)]
impl Lengths {
    fn new(factor: usize) -> Result<Self, RemoteError> {
        Ok(Self { factor: "1".parse::<usize>()? * factor })
    }

    fn call(&mut self, line: String) -> usize {
        match &*line {
            "panic" => panic!("as asked"),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(7),
            line => line.len() * self.factor,
        }
    }
}

#[test]
fn results_come_in_order() {
    let lines = (0..5_000).map(|i| "x".repeat(i % 50));
    let results = par_stateful(lines, Lengths::spec(2).times(2)).backend(Processes::new());
    let lengths: Vec<_> = results.collect::<Result<_, _>>().unwrap();
    assert!(lengths.into_iter().eq((0..5_000).map(|i| i % 50 * 2)));
}

#[test]
fn an_early_drop_does_not_wait_for_a_source_that_blocks() {
    watched(|| {
        let (sender, lines) = mpsc::channel();
        sender.send("four".to_owned()).unwrap();
        let mut lengths = par_stateful(lines, Lengths::spec(1).times(2)).backend(Processes::new());
        assert_eq!(lengths.next().unwrap().unwrap(), 4);
        // A lane is in the source, and the one beside it waits for it to bring cheap items.
        drop(lengths);
        drop(sender);
    });
}

#[cfg(feature = "stream")]
#[test]
fn a_run_can_be_awaited() {
    use futures_util::StreamExt;

    watched(|| {
        let lines = (0..5_000).map(|i| "x".repeat(i % 50));
        let lengths = par_stateful(lines, Lengths::spec(2).times(2)).backend(Processes::new());
        let lengths = lengths.into_stream().map(Result::unwrap).collect::<Vec<_>>();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lengths = runtime.block_on(lengths);
        assert!(lengths.into_iter().eq((0..5_000).map(|i| i % 50 * 2)));
    });
}

#[test]
fn a_death_costs_one_item() {
    for (word, kind) in [
        ("panic", TaskErrorKind::Panicked),
        ("abort", TaskErrorKind::WorkerLost),
        ("exit", TaskErrorKind::WorkerLost),
    ] {
        let lines = (0..500).map(|i| if i == 250 { word.to_owned() } else { "x".repeat(i % 50) });
        let results = par_stateful(lines, Lengths::spec(1).times(2)).backend(Processes::new());
        for (index, result) in results.enumerate() {
            match result {
                Ok(length) => assert_eq!(length, index % 50),
                Err(error) => {
                    assert_eq!((error.kind(), error.index()), (kind, Some(250)), "{error}")
                }
            }
        }
    }
}

/// Runs a test of this program under the name of a child.
#[cfg(target_os = "linux")]
fn named_as_a_child(parent: Option<u32>) -> std::process::Output {
    use std::os::unix::process::CommandExt;

    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.arg0("mtask-worker").args(["--exact", "basics::results_come_in_order", "--nocapture"]);
    command.env_remove("MTASK_PARENT");
    if let Some(parent) = parent {
        command.env("MTASK_PARENT", parent.to_string());
    }
    command.output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_that_goes_astray_starts_no_others() {
    // Its program has no `init`: it comes to a run of its own.
    let output = named_as_a_child(Some(std::process::id()));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("was started for a worker and has not come to"), "{text}");
    assert!(!output.status.success());
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_may_have_the_name_of_a_child() {
    // Also one that a worker starts, and that has its environment: the parent named there is not its own.
    for parent in [None, Some(1)] {
        let output = named_as_a_child(parent);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_set_is_shown() {
    let limit = std::time::Duration::from_secs(5);
    let backend = Processes::new().task_timeout(limit).max_restarts(16, 12 * limit).nice(3);
    let shown = format!("{backend:?}");
    for set in ["task_timeout: Some(5s)", "max_restarts: Some((16, 60s))", "nice: Some(3)"] {
        assert!(shown.contains(set), "{shown}");
    }
}
