//! What is shown while it works.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::util::{Place, text};

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let place = Place::new();
    place.write("in.txt", [text(500).as_bytes(), b"\xff\n"].concat());
    let ran = place.run("in.txt");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines[0].starts_with("tokenize: in.txt:501: not UTF-8"), "{}", ran.stderr);
    assert!(lines[1].starts_with("tokenize: 500 documents, "), "{}", ran.stderr);
    assert!(lines[1].ends_with(" tokens/s"), "{}", ran.stderr);
    assert!(lines[2].starts_with("tokenize: wrote tokens.parquet, "), "{}", ran.stderr);
    assert_eq!(lines.len(), 3);
    assert!(!ran.stderr.contains(['\r', '\x1b']), "{:?}", ran.stderr);
}

#[test]
fn a_stalled_run_is_not_silent() {
    let place = Place::new();
    let args = ["-", "-t", "tok.json", "-o", "out.jsonl"];
    let mut child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    // Nothing more comes, and within ten seconds that is told.
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("tokenize: 1 documents, "), "{line:?}");
    assert!(line.ends_with(" 0 errors, time left unknown\n"), "{line:?}");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// `script` gives the program a terminal.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_there_is_a_bar_and_messages_stand_above_it() {
    let place = Place::new();
    let bad = [text(1_500).as_bytes(), b"\xff\n", text(1_500).as_bytes()].concat();
    place.write("in.txt", bad);
    let program = env!("CARGO_BIN_EXE_tokenize");
    let line = format!("stty cols 120 rows 30; '{program}' in.txt -t tok.json");
    let output = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "typescript"])
        .current_dir(place.path(""))
        .stdin(Stdio::null())
        .output()
        .expect("util-linux has `script`");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{shown:?}");
    for text in [" documents, ", " tokens/s, ", " errors, ", " left", "%"] {
        assert!(shown.contains(text), "no {text:?} in {shown:?}");
    }
    // A message begins where the bar was wiped, and ends with its line.
    let message = "tokenize: in.txt:1501: not UTF-8 from byte 1 on";
    let at = shown.find(message).unwrap_or_else(|| panic!("no message in {shown:?}"));
    assert!(shown[..at].ends_with(['\r', 'K', '\n']), "{:?}", &shown[..at]);
    assert!(shown[at + message.len()..].starts_with("\r\n"), "{:?}", &shown[at..]);
    let last = shown.trim_end().rsplit("\r\n").next().unwrap();
    assert!(last.contains("tokenize: wrote tokens.parquet"), "{last:?}");
}
