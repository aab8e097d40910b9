//! What is written, in which order, and when it gets its name.

use crate::util::{Place, jsonl, parquet, rows, text};

/// A line that takes its worker a while, and lines that do not.
fn slow_first() -> String {
    format!("{}\n{}", "slow ".repeat(20_000), text(200))
}

#[test]
fn both_formats_hold_the_same_rows() {
    let place = Place::new();
    let text = text(3_000);
    place.write("in.txt", &text);
    let lines: Vec<(u64, &str)> = (1..).zip(text.lines()).collect();
    let expected = rows("in.txt", &lines);
    place.run("in.txt -o out.parquet").ok();
    place.run("in.txt -o out.jsonl").ok();
    place.run("in.txt -o by-option --format jsonl").ok();
    let standard = place.run("in.txt -o -").ok();
    assert_eq!(parquet(&place.path("out.parquet")).0, expected);
    assert_eq!(jsonl(&place.read("out.jsonl")), expected);
    assert_eq!(place.read("by-option"), place.read("out.jsonl"));
    assert_eq!(standard.stdout.as_bytes(), place.read("out.jsonl"));
}

#[test]
fn row_groups_are_bounded_by_rows_and_by_tokens() {
    let place = Place::new();
    place.write("in.txt", text(100));
    place.run("in.txt --group-rows 30").ok();
    let (all, groups) = parquet(&place.path("tokens.parquet"));
    assert_eq!(groups, [30, 30, 30, 10]);

    place.run("in.txt --group-tokens 200 --force").ok();
    let (same, groups) = parquet(&place.path("tokens.parquet"));
    assert_eq!(same, all);
    assert!(groups.len() > 3, "{groups:?}");
    let mut start = 0;
    for group in &groups[..groups.len() - 1] {
        let end = start + *group as usize;
        let tokens: usize = all[start..end].iter().map(|row| row.2.len()).sum();
        let but_last: usize = all[start..end - 1].iter().map(|row| row.2.len()).sum();
        assert!(tokens >= 200 && but_last < 200, "a group of {tokens} tokens");
        start = end;
    }
}

#[test]
fn any_number_of_workers_writes_the_same_bytes() {
    let place = Place::new();
    place.write("in.txt", slow_first());
    let written = |workers: usize, more: &str| {
        place.run(&format!("in.txt --force --workers {workers} --group-rows 50 {more}")).ok();
        place.read("tokens.parquet")
    };
    let one = written(1, "");
    assert!(one == written(2, ""), "with 2 workers");
    assert!(one == written(8, ""), "with 8 workers");
    assert!(one == written(8, "--max-in-flight 1"), "with one document in flight");
    assert!(one == written(2, "--backend processes"), "with workers in processes");
}

#[test]
fn unordered_rows_come_as_they_are_done() {
    let place = Place::new();
    place.write("in.txt", slow_first());
    let lines = |args: &str| {
        let ran = place.run(&format!("in.txt -o - {args}")).ok();
        ran.rows().into_iter().map(|row| row.1).collect::<Vec<_>>()
    };
    let in_order: Vec<u64> = (1..=201).collect();
    assert_eq!(lines("--workers 2"), in_order);
    let mut unordered = lines("--workers 2 --unordered");
    assert_ne!(unordered[0], 1, "the slow line came first all the same");
    unordered.sort_unstable();
    assert_eq!(unordered, in_order);
    // One in flight is always the first that is not done.
    assert_eq!(lines("--workers 2 --unordered --max-in-flight 1"), in_order);

    place.run("in.txt --unordered --workers 2").ok();
    let mut found: Vec<u64> =
        parquet(&place.path("tokens.parquet")).0.into_iter().map(|row| row.1).collect();
    found.sort_unstable();
    assert_eq!(found, in_order);
    assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
}

#[test]
fn an_earlier_output_stays_until_the_new_one_is_whole() {
    let place = Place::new();
    place.write("in.txt", b"one\n\xff\n");
    for args in ["--force", "--force --unordered"] {
        place.write("tokens.parquet", "earlier");
        place.run(&format!("in.txt --on-error stop {args}")).says(1, &["not complete"]);
        assert_eq!(place.read("tokens.parquet"), b"earlier");
        place.run(&format!("in.txt {args}")).says(1, &["wrote tokens.parquet"]);
        assert_eq!(parquet(&place.path("tokens.parquet")).0, rows("in.txt", &[(1, "one")]));
        assert_eq!(place.names(), ["in.txt", "tokens.parquet"]);
    }
}

#[test]
#[cfg(unix)]
fn a_link_keeps_leading_to_the_output() {
    let place = Place::new();
    place.write("in.txt", "one\n");
    place.write("real.parquet", "earlier");
    std::os::unix::fs::symlink("real.parquet", place.path("tokens.parquet")).unwrap();
    place.run("in.txt").says(2, &["real.parquet is there already: --force replaces it"]);
    place.run("in.txt --force").ok();
    assert!(place.path("tokens.parquet").is_symlink());
    assert_eq!(parquet(&place.path("real.parquet")).0.len(), 1);
    // A link that leads to nothing yet.
    std::fs::remove_file(place.path("real.parquet")).unwrap();
    place.run("in.txt").ok();
    assert!(place.path("tokens.parquet").is_symlink());
    assert_eq!(parquet(&place.path("real.parquet")).0.len(), 1);
}
