//! A bar of ours on a terminal.

use indicatif::{InMemoryTerm, ProgressStyle, TermLike};

use super::{seconds, shown, terminal};
use crate::Ended;
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;

fn open(options: ProgressOptions, length: Option<u64>) -> (InMemoryTerm, Display) {
    let (term, screen) = terminal();
    let display = Display::open(screen, options, length).expect("shown");
    (term, display)
}

#[test]
fn it_is_there_from_the_start() {
    let (term, display) = open(ProgressOptions::new("tokenize").unit("lines"), Some(5_000));
    display.begin();
    assert_eq!(
        shown(&term),
        "tokenize ──────────────────────────────────────────────── 0/5,000 lines (0%), 0s"
    );
}

#[test]
fn mid_run_it_tells_all_there_is() {
    let (term, mut display) = open(ProgressOptions::new("tokenize").unit("lines"), Some(5_000));
    display.refresh(600, 0, seconds(2), None);
    assert_eq!(
        shown(&term),
        "tokenize ━━━╸──────────────────────── 600/5,000 lines (12%), 300/s, 2s, 14s left"
    );
    display.refresh(1_200, 3, seconds(4), None);
    assert_eq!(
        shown(&term),
        "tokenize ━━━╸──────────── 1,200/5,000 lines (24%), 300/s, 4s, 12s left, 3 errors"
    );
}

#[test]
fn at_the_end_it_stays_and_leaves_a_fresh_line() {
    let (term, mut display) = open(ProgressOptions::new("tokenize"), Some(5_000));
    display.refresh(600, 0, seconds(2), None);
    display.end(5_000, 1, seconds(10), Ended::Complete);
    drop(display);
    let bar = "tokenize ━━━━━━━━━━━ complete, 5,000/5,000 items (100%) in 10.0s, 500/s, 1 error";
    assert_eq!(shown(&term), bar);
    term.write_str("after").unwrap();
    assert_eq!(shown(&term), format!("{bar}\nafter"));
}

#[test]
fn left_early_it_stays_where_it_is() {
    let (term, mut display) = open(ProgressOptions::new("tokenize"), Some(5_000));
    display.refresh(600, 0, seconds(2), None);
    display.end(1_000, 0, seconds(4), Ended::Stopped);
    drop(display);
    let bar = "tokenize ━━━━╸────────────────── stopped, 1,000/5,000 items (20%) in 4.0s, 250/s";
    assert_eq!(shown(&term), bar);
    term.write_str("after").unwrap();
    assert_eq!(shown(&term), format!("{bar}\nafter"));
}

#[test]
fn unless_it_is_to_stay_it_leaves_nothing() {
    for ending in [Ended::Complete, Ended::Stopped] {
        let (term, mut display) = open(ProgressOptions::new("tokenize").leave(false), Some(5_000));
        display.refresh(600, 0, seconds(2), None);
        assert!(shown(&term).starts_with("tokenize"));
        display.end(1_000, 0, seconds(4), ending);
        drop(display);
        assert_eq!(shown(&term), "");
        term.write_str("after").unwrap();
        assert_eq!(shown(&term), "after");
    }
}

#[test]
fn without_a_length_it_counts() {
    let (term, mut display) = open(ProgressOptions::new("tokenize").unit("lines"), None);
    display.begin();
    let spun = shown(&term);
    display.refresh(1_200, 3, seconds(4), None);
    let contents = shown(&term);
    assert!(contents.ends_with(" 1,200 lines, 300/s, 4s, 3 errors"), "{contents}");
    assert!(spun.ends_with(" 0 lines, 0s"), "{spun}");
    let spinner = |contents: &str| contents.split(' ').nth(1).map(str::to_owned);
    assert_ne!(spinner(&spun), spinner(&contents));
    display.end(1_250, 3, seconds(5), Ended::Complete);
    assert_eq!(shown(&term), "tokenize • complete, 1,250 lines in 5.0s, 250/s, 3 errors");
}

#[test]
fn without_a_message_nothing_stands_before_it() {
    let (term, display) = open(ProgressOptions::default(), Some(10));
    display.begin();
    assert!(shown(&term).starts_with('─'), "{}", shown(&term));
}

#[test]
fn an_empty_run_is_whole() {
    let (term, mut display) = open(ProgressOptions::new("none"), Some(0));
    display.end(0, 0, seconds(0), Ended::Complete);
    assert!(shown(&term).ends_with("━ complete, 0/0 items (100%) in 0.0s"), "{}", shown(&term));
}

#[test]
fn what_was_done_before_counts_but_not_in_the_rate() {
    let (term, mut display) = open(ProgressOptions::new("resume").initial(4_000), Some(1_000));
    display.begin();
    assert!(shown(&term).ends_with("━╸──────── 4,000/5,000 items (80%), 0s"), "{}", shown(&term));
    display.refresh(100, 0, seconds(1), None);
    let contents = shown(&term);
    assert!(contents.ends_with(" 4,100/5,000 items (82%), 100/s, 1s, 9s left"), "{contents}");
    display.end(1_000, 0, seconds(10), Ended::Complete);
    let contents = shown(&term);
    assert!(
        contents.ends_with(" complete, 5,000/5,000 items (100%) in 10.0s, 100/s"),
        "{contents}"
    );
}

#[test]
fn a_style_may_name_its_parts() {
    let template = "<{msg}|{items}|{rate}|{left}{errors}|{pos}>";
    let style = ProgressStyle::with_template(template).unwrap();
    let (term, mut display) = open(ProgressOptions::new("read").style(style), Some(40));
    display.begin();
    assert_eq!(shown(&term), "<read|0/40 items (0%)|||0>");
    display.refresh(10, 2, seconds(1), None);
    assert_eq!(shown(&term), "<read|10/40 items (25%)|10/s|3s left, 2 errors|10>");
}

#[test]
fn a_message_in_a_wide_script_keeps_to_its_line() {
    let (term, mut display) = open(ProgressOptions::new("テキストの読み込み"), Some(5_000));
    display.begin();
    display.refresh(600, 0, seconds(2), None);
    assert_eq!(shown(&term).lines().count(), 1, "{}", shown(&term));
}

#[test]
fn hidden_is_hidden() {
    let (term, screen) = terminal();
    let options = ProgressOptions::new("tokenize").hidden(true);
    assert!(Display::open(screen, options, Some(10)).is_none());
    assert_eq!(shown(&term), "");
}
