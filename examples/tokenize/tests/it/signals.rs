//! Runs that are interrupted.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::util::{Place, parquet, text};

const INT: i32 = 2;
const KILLED: i32 = 9;
const ALL: [(&str, i32); 3] = [("HUP", 1), ("INT", INT), ("TERM", 15)];

fn send(signal: &str, to: impl std::fmt::Display) {
    let args = ["-s", signal, "--", &to.to_string()];
    assert!(Command::new("kill").args(args).status().unwrap().success());
}

/// Waits until it is true; a run that gets nowhere is ended.
#[track_caller]
fn until(child: &mut Child, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("nothing comes of it");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What it left, ended by force where it does not end.
#[track_caller]
fn output(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    assert_ne!(output.status.signal(), Some(KILLED), "it did not end by itself");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A run over a text that takes a while.
fn started(place: &Place, more: &[&str]) -> Child {
    place.write("in.txt", text(4_000));
    let args = ["in.txt", "-t", "tok.json", "-o", "an output.jsonl"];
    place.command(&[&args, more].concat()).spawn().unwrap()
}

/// Has it committed often.
const SMALL: [&str; 2] = ["--group-rows", "20"];

fn has_parts(place: &Place) -> bool {
    place.path("an output.jsonl.parts/00000002.part").exists()
}

#[test]
fn what_was_done_is_kept_and_the_command_to_continue_is_said() {
    for (name, number) in ALL {
        let place = Place::new();
        let mut child = started(&place, &SMALL);
        until(&mut child, || has_parts(&place));
        send(name, child.id());
        let output = output(child);
        assert_eq!(output.status.signal(), Some(number), "{}", said(&output));
        let said = said(&output);
        let ended = format!("tokenize: ended by SIG{name}: an output.jsonl is not complete\n");
        assert!(said.contains(&ended), "{said}");
        assert_eq!(place.names(), ["an output.jsonl.parts", "in.txt"]);

        // What it says to type is typed.
        let command = said.lines().find_map(|line| line.strip_prefix("tokenize: to continue: "));
        let mut shell = Command::new("sh");
        shell.args(["-c", command.expect(&said)]).current_dir(place.path(""));
        let again = shell.output().unwrap();
        let again = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(again.contains("tokenize: continuing behind "), "{again}");
        assert!(again.contains(" 4,000 documents ("), "{again}");
        assert_eq!(crate::util::jsonl(&place.read("an output.jsonl")).len(), 4_000);
        assert_eq!(place.names(), ["an output.jsonl", "in.txt"]);
    }
}

#[test]
fn what_cannot_be_continued_leaves_nothing() {
    for (name, number) in ALL {
        let place = Place::new();
        // Standard input stalls, so that the run waits for it.
        let args = ["-", "-t", "tok.json", "-o", "out.jsonl"];
        let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        until(&mut child, || place.path("out.jsonl.partial").exists());
        let stdin = child.stdin.take().unwrap();
        { &stdin }.write_all(b"one\n").unwrap();
        send(name, child.id());
        let output = output(child);
        assert_eq!(output.status.signal(), Some(number), "{}", said(&output));
        assert!(said(&output).contains("out.jsonl is not complete"), "{}", said(&output));
        assert_eq!(place.names(), [""; 0], "after SIG{name}");

        // The same before anything was committed to parts.
        let mut child = started(&place, &[]);
        until(&mut child, || place.path("an output.jsonl.parts/job.json").exists());
        send(name, child.id());
        let output = self::output(child);
        if output.status.signal() == Some(number) {
            assert_eq!(place.names(), ["in.txt"], "{}", said(&output));
        } else {
            assert!(output.status.success(), "{}", said(&output));
        }
    }
}

/// A signal to the whole group, as a system that shuts down sends it, ends no worker before its
/// parent, which would take the worker's line for one that failed.
#[test]
fn a_signal_to_all_processes_costs_no_line() {
    for (name, number) in ALL {
        let place = Place::new();
        let in_processes = [&SMALL[..], &["--backend", "processes", "--workers", "3"]].concat();
        let mut child = started(&place, &in_processes);
        until(&mut child, || has_parts(&place));
        let id = child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let mut to = vec![id.to_string()];
        for task in std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten() {
            let children = std::fs::read_to_string(task.unwrap().path().join("children"));
            to.extend(children.unwrap_or_default().split_whitespace().map(str::to_owned));
        }
        assert!(to.len() == 4 || children.is_err(), "{to:?}");
        // Workers first.
        to.iter().rev().for_each(|process| send(name, process));
        let output = output(child);
        assert_eq!(output.status.signal(), Some(number), "{}", said(&output));
        // No line of an error among them.
        assert_eq!(said(&output).lines().count(), 3, "{}", said(&output));
        let again =
            [&["in.txt", "-t", "tok.json", "-o", "an output.jsonl", "--resume"], &*in_processes];
        let again = place.command(&again.concat()).output().unwrap();
        assert!(again.status.success(), "{}", said(&again));
        assert_eq!(crate::util::jsonl(&place.read("an output.jsonl")).len(), 4_000);
    }
}

/// Many parts, so that making the output of them takes a while.
#[test]
fn a_signal_while_the_parts_are_joined_keeps_them() {
    let place = Place::new();
    place.write("in.txt", text(1_500));
    let args = ["in.txt", "-t", "tok.json", "--group-rows", "1"];
    let mut child = place.command(&args).spawn().unwrap();
    until(&mut child, || place.path("tokens.parquet.parts/output.tmp").exists());
    send("INT", child.id());
    let output = output(child);
    if output.status.signal() == Some(INT) {
        assert_eq!(place.names(), ["in.txt", "tokens.parquet.parts"]);
        assert!(said(&output).contains("--resume continues behind 1500 "), "{}", said(&output));
        assert!(!place.path("tokens.parquet.parts/output.tmp").exists());
        let again = place.command(&[&args[..], &["--resume"]].concat()).output().unwrap();
        assert!(again.status.success(), "{}", said(&again));
    } else {
        assert!(output.status.success(), "{}", said(&output));
    }
    assert_eq!(parquet(&place.path("tokens.parquet")).0.len(), 1_500);
    assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
}

/// A stream has nothing to put away, and may be one that nobody reads.
#[test]
fn a_run_that_waits_for_its_reader_ends_too() {
    let place = Place::new();
    place.write("in.txt", text(20_000));
    let mut child = place.command(&["in.txt", "-t", "tok.json", "-o", "-"]).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    send("INT", child.id());
    assert_eq!(output(child).status.signal(), Some(INT));
    drop(stdout);
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_ignored_stays_ignored() {
    let place = Place::new();
    let args = ["-", "-t", "tok.json", "-o", "out.jsonl"];
    let program = env!("CARGO_BIN_EXE_tokenize");
    let mut shell = Command::new("sh");
    // As `nohup` does.
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", program]).args(args);
    shell.current_dir(place.path("")).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.process_group(0).spawn().unwrap();
    until(&mut child, || place.path("out.jsonl.partial").exists());
    send("HUP", child.id());
    child.stdin.take().unwrap().write_all(b"one\n").unwrap();
    let output = output(child);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.names(), ["out.jsonl"]);
}
