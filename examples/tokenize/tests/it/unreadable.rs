//! Files that cannot be read, or that are not the same any more when they are.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::{Child, Stdio};

use crate::util::{Place, Ran, gzip, jsonl, parquet, rows, text};

/// A run over standard input and then `b.txt`, which has looked at the latter and not yet read it.
fn before_b(place: &Place, more: &[&str]) -> Child {
    let args = [&["-", "b.txt", "-t", "tok.json", "-o", "out.jsonl"], more].concat();
    let child = place.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    while !place.path("out.jsonl.partial").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child
}

fn ended(mut child: Child) -> Ran {
    child.stdin.take().unwrap().write_all(b"zero\n").unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_file_that_is_gone_or_another_ends_the_run() {
    for (what, change) in [
        ("cannot be read: No such file", (|path| fs::remove_file(path).unwrap()) as fn(_)),
        ("has changed since the run started", |path| fs::write(path, "on").unwrap()),
        ("has changed since the run started", |path| fs::write(path, "one\ntwo\n").unwrap()),
        ("has changed since the run started", |path: std::path::PathBuf| {
            let before = fs::metadata(&path).unwrap().modified().unwrap();
            fs::remove_file(&path).unwrap();
            fs::write(&path, "eno\n").unwrap();
            let later = before + std::time::Duration::from_secs(1);
            File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        }),
    ] {
        for policy in ["yield", "defer", "stop"] {
            let place = Place::new();
            place.write("b.txt", "one\n");
            let child = before_b(&place, &["--on-error", policy]);
            change(place.path("b.txt"));
            let message = format!("error: b.txt: {what}");
            let ran = ended(child).says(2, &[&message]);
            assert!(ran.stderr.contains("--skip-unreadable"), "{}", ran.stderr);
            assert!(!place.path("out.jsonl").exists());
            assert!(!place.path("out.jsonl.partial").exists());
        }
        let place = Place::new();
        place.write("b.txt", "one\n");
        let child = before_b(&place, &["--skip-unreadable"]);
        change(place.path("b.txt"));
        let message = format!("tokenize: b.txt: {what}");
        ended(child).says(1, &[&message, " 1 errors "]);
        assert_eq!(jsonl(&place.read("out.jsonl")), rows("-", &[(1, "zero")]));
    }
}

/// The rows fill the pipe that they go to, so that the file is read slowly.
#[test]
fn a_file_that_changes_while_it_is_read_ends_the_run() {
    let lines = 20_000;
    for packed in [false, true] {
        let bytes = if packed { noisy_gzip(lines) } else { text(lines as usize).into() };
        assert!(bytes.len() > 300_000, "{} bytes are read at once", bytes.len());
        for length in [bytes.len() / 2 + 7, bytes.len() + 1] {
            for (skip, code) in [(&[][..], 2), (&["--skip-unreadable"], 1)] {
                let place = Place::new();
                place.write("in", &bytes);
                let args = ["in", "-t", "tok.json", "-o", "-", "--max-in-flight", "10"];
                let mut child = place.command(&[&args, skip].concat()).spawn().unwrap();
                let mut stdout = child.stdout.take().unwrap();
                stdout.read_exact(&mut [0; 10]).unwrap();
                let file = File::options().write(true).open(place.path("in")).unwrap();
                file.set_len(length as u64).unwrap();
                let reader = std::thread::spawn(move || {
                    let mut rest = Vec::new();
                    stdout.read_to_end(&mut rest).map(|_| ())
                });
                let ran: Ran = child.wait_with_output().unwrap().into();
                reader.join().unwrap().unwrap();
                ran.says(code, &["in: has changed since the run started"]);
            }
        }
    }
}

/// Lines that gzip cannot make small.
fn noisy_gzip(lines: u64) -> Vec<u8> {
    let hash = |n: u64| n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    let lines = (0..lines).map(|n| format!("{:x} {:x}\n", hash(n), hash(hash(n))));
    gzip(lines.collect::<String>())
}

/// A regular file, as far as its entry tells, of which every read fails.
#[cfg(target_os = "linux")]
const FAILS: &str = "/proc/self/mem";

#[test]
#[cfg(target_os = "linux")]
fn what_was_done_before_an_unreadable_file_can_be_continued() {
    let place = Place::new();
    place.write("a.txt", text(250));
    place.write("c.txt", "last\n");
    for backend in ["threads", "processes"] {
        let args = format!("a.txt {FAILS} c.txt --group-rows 100 --backend {backend}");
        let ran = place.run(&args);
        let ran = ran.says(
            2,
            &[
                "error: /proc/self/mem: cannot be read: Input/output error",
                "what is done is kept: --resume continues behind 200 documents",
                "to continue: ",
            ],
        );
        assert!(!ran.stderr.contains("wrote"), "{}", ran.stderr);
        assert_eq!(place.names(), ["a.txt", "c.txt", "tokens.parquet.parts"]);
        // Its time is that of the process that looks.
        let ran = place.run(&format!("{args} --resume --ignore-times --skip-unreadable"));
        let said = ["continuing behind 200", "mem: cannot be read: Input", " 1 errors "];
        ran.says(1, &said);
        let (found, _) = parquet(&place.path("tokens.parquet"));
        assert_eq!(found.len(), 251);
        assert_eq!(found[250..], rows("c.txt", &[(1, "last")]));
        fs::remove_file(place.path("tokens.parquet")).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn what_cannot_be_looked_at_is_refused_or_skipped() {
    let place = Place::new();
    place.write("in/a.txt", "one\n");
    std::os::unix::fs::symlink("nowhere", place.path("in/b.txt")).unwrap();
    place.run("in").says(2, &["error: cannot read in/b.txt: No such file"]);
    place.run("none in/a.txt").says(2, &["error: cannot read none: No such file"]);
    assert_eq!(place.names(), ["in"]);
    let ran = place.run("none in -o - --skip-unreadable");
    let ran = ran.says(1, &["cannot read none: ", "cannot read in/b.txt: ", " 2 errors "]);
    assert_eq!(ran.rows(), rows("in/a.txt", &[(1, "one")]));
    place.run("none --skip-unreadable").says(2, &["error: no input can be read: cannot read none"]);
}
