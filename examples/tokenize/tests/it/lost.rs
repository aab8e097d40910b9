//! Workers' processes that are killed, again and again.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::util::{Place, Ran, jsonl, text};

/// Kills every process that the run starts, for as long as it does.
fn kill_all(child: &mut Child) {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(300) {
            child.kill().unwrap();
        }
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
        for task in tasks.into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children: Vec<&str> = children.split_whitespace().collect();
            if !children.is_empty() {
                let _ = Command::new("kill").arg("-KILL").args(children).output();
            }
        }
    }
}

#[test]
fn a_run_that_has_no_worker_left_can_be_continued() {
    let place = Place::new();
    place.write("in.txt", text(3_000));
    place.run("in.txt -o whole.jsonl").ok();
    let whole = jsonl(&place.read("whole.jsonl"));
    // Deferred errors are the hardest: what ends the run must not wait for its end.
    let args = ["in.txt", "-t", "tok.json", "-o", "out.jsonl", "--group-rows", "100"];
    let more = ["--backend", "processes", "-w", "2", "--on-error", "defer"];
    let args = [&args[..], &more].concat();
    let mut child = place.command(&args).spawn().unwrap();
    while !place.path("out.jsonl.parts/00000002.part").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it was done before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_all(&mut child);
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.says(2, &["what is done is kept: --resume continues behind "]);
    assert!(!ran.stderr.contains("wrote "), "{}", ran.stderr);
    assert!(!place.path("out.jsonl").exists());

    // A kill may have cost a line that a worker had; all else is there, in order.
    let ran: Ran = place.command(&[&args[..], &["--resume"]].concat()).output().unwrap().into();
    let found = jsonl(&place.read("out.jsonl"));
    let lost = 3_000 - found.len();
    ran.says(i32::from(lost > 0), &[&format!(" {lost} errors in ")]);
    let mut whole = whole.iter();
    assert!(found.iter().all(|row| whole.any(|other| other == row)));
}
