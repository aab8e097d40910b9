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

#[test]
#[cfg(target_os = "linux")]
fn a_child_that_goes_astray_starts_no_others() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    // As a child whose program has no `init`: it comes to a run of its own.
    let output = Command::new(std::env::current_exe().unwrap())
        .arg0("mtask-worker")
        .args(["--exact", "basics::results_come_in_order", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("was started for a worker and has not come to"), "{text}");
    assert!(!output.status.success());
}
