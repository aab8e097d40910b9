//! Bars in a notebook, which gets whole lines.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Log, redirected, seconds};
use crate::Ended;
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;
use crate::observe::progress::notebook::Notebook;
use crate::observe::progress::screen::{Place, Screen};

fn notebook() -> (Log, Screen) {
    let log = Log::default();
    let notebook = Notebook::on(log.clone());
    let bars = MultiProgress::with_draw_target(notebook.target());
    (log, Screen { place: Place::Notebook(notebook), bars, ..redirected().1 })
}

/// Each drawing without the blanks that fill its lines.
fn drawings(log: &Log) -> Vec<String> {
    let trimmed = |drawing: &String| {
        drawing.lines().map(|line| format!("{}\n", line.trim_end_matches(' '))).collect()
    };
    log.writes().iter().map(trimmed).collect()
}

fn short() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {items}{errors}").unwrap()
}

#[test]
fn every_drawing_is_whole_lines_over_those_before() {
    let (log, screen) = notebook();
    let options = ProgressOptions::new("tokenize").unit("lines");
    let mut display = Display::open(screen, options, Some(5_000)).expect("shown");
    display.begin();
    display.refresh(600, 0, seconds(2), None);
    display.end(5_000, 1, seconds(10), Ended::Complete);
    drop(display);
    assert_eq!(
        log.writes(),
        [
            "tokenize ──────────────────────────────────────────────── 0/5,000 lines (0%), 0s\n",
            "\x1b[A\rtokenize ━━━╸──────────────────────── 600/5,000 lines (12%), 300/s, 2s, 14s left\n",
            "\x1b[A\rtokenize ━━━━━━━━━━━ complete, 5,000/5,000 lines (100%) in 10.0s, 500/s, 1 error\n",
        ]
    );
}

#[test]
fn a_row_is_filled_so_that_it_hides_a_longer_one() {
    let (log, screen) = notebook();
    let options = ProgressOptions::new("read").style(short());
    let mut display = Display::open(screen, options, None).expect("shown");
    display.begin();
    display.refresh(600, 0, seconds(2), None);
    assert_eq!(
        log.writes(),
        [format!("{:80}\n", "read 0 items"), format!("\x1b[A\r{:80}\n", "read 600 items")]
    );
}

#[test]
fn bars_stand_below_each_other_and_runs_after_each_other() {
    let (log, screen) = notebook();
    let bars = screen.bars.clone();
    let show = |message| {
        let options = ProgressOptions::new(message).style(short()).multi(&bars);
        Display::open(notebook().1, options, Some(9)).expect("shown")
    };
    let (mut outer, mut inner) = (show("outer"), show("inner"));
    outer.begin();
    inner.begin();
    inner.end(9, 0, seconds(1), Ended::Complete);
    drop(inner);
    outer.end(9, 0, seconds(2), Ended::Complete);
    drop(outer);
    let mut next = show("next");
    next.end(2, 0, seconds(1), Ended::Stopped);
    assert_eq!(
        drawings(&log),
        [
            "outer 0/9 items (0%)\n",
            "\x1b[A\router 0/9 items (0%)\ninner 0/9 items (0%)\n",
            "\x1b[A\x1b[A\router 0/9 items (0%)\ninner 9/9 items (100%)\n",
            "\x1b[A\x1b[A\router 9/9 items (100%)\ninner 9/9 items (100%)\n",
            // The bar of `inner` was kept for the order of the two, and is let go now.
            "\x1b[A\rinner 9/9 items (100%)\nnext 2/9 items (22%)\n",
        ]
    );
}

#[test]
fn a_bar_that_does_not_stay_makes_room() {
    let (log, screen) = notebook();
    let bars = screen.bars.clone();
    let show = |options: ProgressOptions| {
        Display::open(notebook().1, options.style(short()).multi(&bars), None).expect("shown")
    };
    let mut outer = show("outer".into());
    let mut inner = show(ProgressOptions::new("inner").leave(false));
    outer.begin();
    inner.begin();
    inner.end(1, 0, seconds(1), Ended::Complete);
    outer.end(1, 0, seconds(2), Ended::Complete);
    assert_eq!(
        drawings(&log),
        [
            "outer 0 items\n",
            "\x1b[A\router 0 items\ninner 0 items\n",
            "\x1b[A\x1b[A\router 0 items\ninner 1 items\n",
            "\x1b[A\x1b[A\r\x1b[Jouter 0 items\n",
            "\x1b[A\router 1 items\n",
        ]
    );
}

#[test]
fn what_is_printed_while_the_bars_are_suspended_is_not_drawn_over() {
    let (log, screen) = notebook();
    let bars = screen.bars.clone();
    let options = ProgressOptions::new("read").style(short());
    let mut display = Display::open(screen, options, None).expect("shown");
    display.refresh(1, 0, seconds(1), None);
    bars.suspend(|| ());
    display.refresh(2, 0, seconds(2), None);
    let expected = ["read 1 items\n", "read 1 items\n", "\x1b[A\rread 2 items\n"];
    assert_eq!(drawings(&log), expected);
}

#[test]
fn it_is_drawn_less_often_the_longer_it_goes() {
    let (_, screen) = notebook();
    let mut display = Display::open(screen, "read".into(), None).expect("shown");
    let half = Duration::from_millis(500);
    let mut interval_at = |elapsed| {
        display.refresh(1, 0, elapsed, None);
        display.interval()
    };
    assert_eq!(interval_at(seconds(1)), half);
    assert_eq!(interval_at(seconds(20)), seconds(2));
    assert_eq!(interval_at(seconds(3600)), seconds(10));

    let options = ProgressOptions::new("read").interval(seconds(1));
    let mut display = Display::open(notebook().1, options, None).expect("shown");
    display.refresh(1, 0, seconds(3600), None);
    assert_eq!(display.interval(), seconds(1));
}

#[test]
fn a_bar_of_the_callers_that_is_hidden_there_is_logged() {
    let (log, screen) = redirected();
    let screen = Screen { place: Place::Notebook(Notebook::on(log.clone())), ..screen };
    let bar = ProgressBar::with_draw_target(Some(4), ProgressDrawTarget::hidden());
    let mut display = Display::open(screen, bar.into(), None).expect("logged");
    assert_eq!(display.interval(), seconds(10));
    display.end(4, 0, seconds(2), Ended::Complete);
    assert_eq!(log.writes(), ["complete, 4/4 items (100%) in 2.0s, 2/s\n"]);
}
