//! How much is said, and what of it reaches a terminal.

use crate::util::{Place, rows, text};

#[test]
fn a_file_full_of_bad_lines_is_summed_up() {
    let place = Place::new();
    place.write("a.txt", b"caf\xe9\n".repeat(70_000));
    place.write("b.txt", b"good\n\xff\n");
    for more in ["", "--unordered", "--backend processes"] {
        let ran = place.run(&format!("a.txt b.txt -o - {more}"));
        let ran = ran.says(
            1,
            &[
                "tokenize: a.txt:10: not UTF-8",
                "tokenize: a.txt: and 69,990 more errors",
                "tokenize: b.txt:2: not UTF-8",
                " 70,001 errors ",
            ],
        );
        let said = ran.stderr.lines().filter(|line| !line.contains(" left")).count();
        assert_eq!(said, 10 + 1 + 1 + 2, "{}", ran.stderr);
        assert_eq!(ran.rows(), rows("b.txt", &[(1, "good")]));
    }
}

#[test]
#[cfg(unix)]
fn names_cannot_steer_the_terminal() {
    let place = Place::new();
    let name = "a\u{1b}[31m\u{9b}2J\nb\r.txt";
    place.write(name, b"good\n\xff\n");
    let args = [name, "-t", "tok.json", "-o", "\u{1b}]0;x\u{7}.jsonl"];
    let ran: crate::util::Ran = place.command(&args).output().unwrap().into();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(r"tokenize: a\u{1b}[31m\u{9b}2J\nb\r.txt:2: not UTF-8"));
    assert!(ran.stderr.contains(r"wrote \u{1b}]0;x\u{7}.jsonl"));
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    assert!(!ran.stderr.contains(|char: char| char.is_control() && char != '\n'));
    for args in [["gone\u{1b}[2J", "out.jsonl"], [name, "gone\u{1b}[2J/out.jsonl"]] {
        let args = [args[0], "-t", "tok.json", "-o", args[1]];
        let ran: crate::util::Ran = place.command(&args).output().unwrap().into();
        let ran = ran.says(2, &[r"gone\u{1b}[2J"]);
        assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
    }
}

#[test]
fn the_first_errors_of_a_run_that_goes_wrong_are_there_too() {
    let place = Place::new();
    let bad = b"\xff\n".repeat(15);
    place.write("in.txt", [&bad[..], text(300).as_bytes()].concat());
    place.write("in.txt.zip", b"PK\x03\x04\x14\0\0\0\x08\0\n\xff\n");
    let ran = place.run("in.txt in.txt.zip --on-error stop");
    ran.says(1, &["in.txt:1: not UTF-8", "stopped at the first error"]);
    let ran = place.run("in.txt in.txt.zip");
    ran.says(1, &["in.txt: and 5 more errors", "in.txt.zip: zip is not supported", " 16 errors "]);
}
