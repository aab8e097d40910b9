//! What goes wrong: what is said, what is kept, which code comes out.

use std::fs;
use std::io::{BufRead, BufReader, Read};

use crate::util::{Place, gzip, parquet, rows, text};

#[test]
fn a_bad_line_costs_that_line_alone() {
    let place = Place::new();
    place.write("in.txt", b"good\nb\xffd\n\nlonger than twelve bytes\ngood again\n");
    for backend in ["threads", "processes"] {
        let args = format!("in.txt -o - --max-line-bytes 12 --backend {backend}");
        let ran = place.run(&args).says(
            1,
            &[
                "in.txt:2: not UTF-8 from byte 2 on",
                "in.txt:4: the line is too long: 25 bytes (see --max-line-bytes)",
                "2 documents, ",
            ],
        );
        assert_eq!(ran.rows(), rows("in.txt", &[(1, "good"), (5, "good again")]));
        assert!(ran.stderr.contains(" 2 errors "), "{}", ran.stderr);
    }
}

#[test]
fn a_line_that_the_tokenizer_refuses_costs_that_line_alone() {
    let place = Place::new();
    let model = r#"{"type": "WordLevel", "unk_token": "none", "vocab": {"a": 0, "b": 1}}"#;
    place.write("tok.json", tokenizer(model, "null"));
    place.write("in.txt", "a\nz\nb\n");
    let ran = place.run("in.txt -o -").says(1, &["in.txt:2: the tokenizer failed: "]);
    let ids: Vec<_> = ran.rows().into_iter().map(|(_, line, ids)| (line, ids)).collect();
    assert_eq!(ids, [(1, vec![0]), (3, vec![1])]);
}

#[test]
fn a_line_on_which_the_tokenizer_panics_costs_that_line_alone() {
    let place = Place::new();
    // A table for characters that ends at 127: what is beyond it is read out of bounds.
    let table = format!("AAIA{}", "A".repeat(684));
    let normalizer = format!(r#"{{"type": "Precompiled", "precompiled_charsmap": "{table}"}}"#);
    let model = r#"{"type": "WordLevel", "unk_token": "b", "vocab": {"a": 0, "b": 1}}"#;
    place.write("tok.json", tokenizer(model, &normalizer));
    place.write("in.txt", "a\n\u{e9}\na\n\u{e9}\na\n");
    for options in ["--on-error yield", "--on-error defer", "--backend processes"] {
        let ran = place.run(&format!("in.txt -o - --workers 1 {options}"));
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        for line in [2, 4] {
            let said = format!("tokenize: in.txt:{line}: index out of bounds: ");
            let said = ran.stderr.lines().find(|line| line.starts_with(&said));
            assert!(said.is_some_and(|said| said.ends_with("panicked)")), "{}", ran.stderr);
        }
        let lines: Vec<_> = ran.rows().into_iter().map(|(_, line, _)| line).collect();
        assert_eq!(lines, [1, 3, 5]);
        // Two errors and the summary; nothing of the panics themselves.
        assert_eq!(ran.stderr.lines().count(), 4, "{}", ran.stderr);
    }
}

fn tokenizer(model: &str, normalizer: &str) -> String {
    format!(
        r#"{{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": {normalizer}, "pre_tokenizer": null, "post_processor": null,
            "decoder": null, "model": {model}}}"#
    )
}

#[test]
fn stop_ends_at_the_first_error() {
    let place = Place::new();
    place.write("in.txt", b"one\ntwo\n\xff\nfour\n\xff\n");
    let ran = place.run("in.txt -o - --on-error stop").says(1, &["in.txt:3: not UTF-8"]);
    assert_eq!(ran.rows(), rows("in.txt", &[(1, "one"), (2, "two")]));
    assert!(!ran.stderr.contains("in.txt:5"), "{}", ran.stderr);

    // To a file: there is none, since it would pass for a whole one.
    place.run("in.txt --on-error stop").says(1, &["stopped at the first error"]);
    assert_eq!(place.names(), ["in.txt"]);
}

#[test]
fn defer_tells_the_errors_at_the_end() {
    let place = Place::new();
    place.write("in.txt", b"\xff\none\n\xff\ntwo\n");
    let ran = place.run("in.txt -o - --on-error defer");
    let ran = ran.says(1, &["in.txt:1: not UTF-8", "in.txt:3: not UTF-8", " 2 errors "]);
    assert_eq!(ran.rows(), rows("in.txt", &[(2, "one"), (4, "two")]));

    // With the good line last and standard error into standard output, the order shows.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command =
        place.command(&["in.txt", "-t", "tok.json", "-o", "-", "--on-error", "defer"]);
    let mut child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    // With it go this process's ends of the pipe, or it would never be at its end.
    drop(command);
    let mut both = String::new();
    reader.read_to_string(&mut both).unwrap();
    child.wait().unwrap();
    let at = |text: &str| both.find(text).unwrap_or_else(|| panic!("no {text:?} in {both}"));
    assert!(at("\"line\":4") < at("in.txt:1: not UTF-8"), "{both}");
}

#[test]
fn defer_keeps_a_thousand_errors_and_counts_the_rest() {
    let place = Place::new();
    place.write("in.txt", b"\xff\n".repeat(1_200));
    let ran = place.run("in.txt -o - --on-error defer");
    let ran = ran.says(1, &["in.txt:1000: ", "and 200 more errors", " 1,200 errors "]);
    assert!(!ran.stderr.contains("in.txt:1001: "), "{}", ran.stderr);
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_keeps_what_came_before() {
    let place = Place::new();
    let whole = gzip(text(5_000));
    place.write("a.gz", &whole[..whole.len() / 2]);
    place.write("b.txt", "the next file\n");
    place.write("c.zst", &zstd::encode_all(text(5_000).as_bytes(), 3).unwrap()[..2_000]);
    place.write("d.gz", "no gzip at all\n");
    let ran = place.run("a.gz b.txt c.zst d.gz");
    let ran = ran
        .says(1, &["a.gz:", "c.zst:", "d.gz:1: cannot be read: invalid gzip header", " 3 errors "]);
    assert!(ran.stderr.contains("its compressed data ends in the middle"), "{}", ran.stderr);
    let (found, _) = parquet(&place.path("tokens.parquet"));
    let of = |file: &str| found.iter().filter(|row| row.0 == file).cloned().collect::<Vec<_>>();
    assert_eq!(of("b.txt"), rows("b.txt", &[(1, "the next file")]));
    let all = text(5_000);
    let all: Vec<(u64, &str)> = (1..).zip(all.lines()).collect();
    for file in ["a.gz", "c.zst"] {
        let kept = of(file);
        assert!(!kept.is_empty() || file == "c.zst", "nothing was read of {file}");
        assert_eq!(kept, rows(file, &all[..kept.len()]));
        let line = format!("{file}:{}: ", kept.len() + 1);
        assert!(ran.stderr.contains(&line), "no {line:?} in {}", ran.stderr);
    }
}

#[test]
fn a_missing_file_is_said_before_the_work() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    place.run("in.txt none.txt").says(2, &["error: cannot read none.txt: No such file"]);
    place.run("in.txt -o none/out.parquet").says(2, &["none/out.parquet.parts: No such file"]);
    place.run("in.txt --unordered -o none/out.parquet").says(2, &["none/out.parquet.partial: No"]);
    fs::create_dir(place.path("folder")).unwrap();
    place.run("in.txt -o folder").says(2, &["cannot write folder: it is a folder"]);
    place.run("folder").says(2, &["folder: no file in this folder"]);
    place.run("in.txt in.txt -o in.txt").says(2, &["in.txt: this input is also the output"]);
    assert_eq!(place.read("in.txt"), b"one\n");
    assert_eq!(place.names(), ["folder", "in.txt"]);
}

#[test]
fn an_unreadable_tokenizer_is_said_once() {
    let place = Place::new();
    place.write("in.txt", text(100));
    place.write("tok.json", "{\"version\": \"1.0\"");
    let ran = place.run("in.txt --workers 4").says(2, &["cannot use the tokenizer tok.json: EOF"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    fs::remove_file(place.path("tok.json")).unwrap();
    place.run("in.txt").says(2, &["cannot read the tokenizer tok.json: No such file"]);
    assert_eq!(place.names(), ["in.txt"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said() {
    let place = Place::new();
    place.write("in.txt", text(2_000));
    for format in ["parquet", "jsonl"] {
        let ran = place.run(&format!("in.txt -o /dev/full --format {format}"));
        ran.says(2, &["error: cannot write /dev/full: No space left on device"]);
    }
    let args = ["in.txt", "-t", "tok.json", "-o", "-"];
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran: crate::util::Ran = place.command(&args).stdout(full).output().unwrap().into();
    ran.says(2, &["error: cannot write standard output: No space left on device"]);
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_the_run_without_a_word() {
    let place = Place::new();
    place.write("in.txt", text(20_000));
    let mut child = place.command(&["in.txt", "-t", "tok.json", "-o", "-"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(crate::util::jsonl(first.as_bytes())[0].1, 1);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(141), ""));
}

#[test]
fn wrong_usage_is_refused() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    place.run("in.txt --workers 0").says(2, &["invalid value '0' for '--workers"]);
    place.run("in.txt --max-in-flight 0").says(2, &["invalid value '0' for '--max-in-flight"]);
    place.run("in.txt --on-error ignore").says(2, &["invalid value 'ignore' for '--on-error"]);
    place.run("in.txt --resume --unordered").says(2, &["'--resume' cannot be used with"]);
    let ran: crate::util::Ran = place.command(&["in.txt"]).output().unwrap().into();
    ran.says(2, &["  --tokenizer <FILE>"]);
    assert_eq!(place.names(), ["in.txt"]);
}
