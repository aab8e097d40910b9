//! The ticker's thread, and whole runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use indicatif::{InMemoryTerm, ProgressBar, ProgressState, ProgressStyle, TermLike};

use super::{draw_to, redirected, seconds, soon, terminal};
use crate::par_map;
use crate::progress::screen::Screen;
use crate::progress::{ProgressOptions, Reporter};
use crate::stats::Counters;
use crate::sync::Arc;

/// Longer than a test takes: what waits for it has failed.
const NEVER: Duration = seconds(3600);

/// A run with two workers that never begin.
fn start_on(screen: Screen, options: ProgressOptions, length: Option<u64>) -> Reporter {
    Reporter::start_on(screen, options, length, Arc::new(Counters::new(2)))
}

/// A bar of the caller's on a terminal.
fn lent(term: &InMemoryTerm, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap();
    ProgressBar::with_draw_target(None, draw_to(term)).with_style(style)
}

#[test]
fn the_ticker_shows_what_is_counted() {
    let (term, screen) = terminal();
    let options = ProgressOptions::new("tick").interval(Duration::ZERO);
    let reporter = start_on(screen, options, Some(10));
    soon("the bar", || term.contents().contains("─ 0/10 items (0%)"));
    reporter.item();
    reporter.item();
    reporter.error();
    soon("the count", || term.contents().contains(" 2/10 items (20%)"));
    soon("the error", || term.contents().ends_with(" 1 error"));
    reporter.item();
    reporter.finish();
    assert!(term.contents().contains(" 3/10 items (30%) in "), "{}", term.contents());
}

#[test]
fn the_end_does_not_wait_for_a_tick() {
    let (term, screen) = terminal();
    let started = Instant::now();
    let reporter = start_on(screen, ProgressOptions::new("end").interval(NEVER), Some(1));
    soon("the bar", || term.contents().starts_with("end "));
    // Time for the ticker to fall asleep: awake, it would see the end by itself.
    std::thread::sleep(Duration::from_millis(50));
    reporter.item();
    reporter.finish();
    assert!(started.elapsed() < seconds(20));
    assert!(term.contents().contains(" 1/1 items (100%) in "), "{}", term.contents());
}

#[test]
fn a_length_that_is_told_stands_in_for_one_that_is_not_known() {
    let (log, screen) = redirected();
    let reporter = start_on(screen, ProgressOptions::new("told").length(4), None);
    reporter.item();
    drop(reporter);
    let lines = log.writes();
    assert!(lines[0].starts_with("told: stopped, 1/4 items (25%) in "), "{lines:?}");
}

#[test]
fn a_run_too_short_for_a_line_has_its_last() {
    let (log, screen) = redirected();
    let reporter = start_on(screen, ProgressOptions::new("short"), None);
    reporter.item();
    reporter.finish();
    let lines = log.writes();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("short: done, 1 items in "), "{lines:?}");
    assert!(log.is_released(), "the ticker is gone");
}

#[test]
fn a_log_goes_on_while_nothing_happens() {
    let (log, screen) = redirected();
    let options = ProgressOptions::new("wait").interval(Duration::from_millis(1));
    let reporter = start_on(screen, options, None);
    soon("a line", || log.writes().len() >= 3);
    drop(reporter);
    let lines = log.writes();
    let (last, rest) = lines.split_last().expect("lines");
    assert!(last.starts_with("wait: stopped, 0 items in "), "{last}");
    assert!(rest.iter().all(|line| line.starts_with("wait: 0 items, ")), "{rest:?}");
    assert!(log.is_released(), "the ticker is gone");
}

#[test]
fn a_panic_leaves_the_screen_clean() {
    let (term, screen) = terminal();
    let reporter = start_on(screen, ProgressOptions::new("panic").interval(NEVER), Some(10));
    reporter.item();
    let thrown = catch_unwind(AssertUnwindSafe(move || {
        let _reporter = reporter;
        std::panic::resume_unwind(Box::new("in the loop body"));
    }));
    assert!(thrown.is_err());
    let contents = term.contents();
    assert!(contents.contains(" 1/10 items (10%) in "), "{contents}");
    term.write_str("after").unwrap();
    assert_eq!(term.contents(), format!("{contents}\nafter"));
}

#[test]
fn a_style_that_panics_costs_the_bar_alone() {
    let (_, screen) = terminal();
    let style = ProgressStyle::with_template("{broken}").unwrap().with_key(
        "broken",
        |_: &ProgressState, _: &mut dyn std::fmt::Write| {
            std::panic::resume_unwind(Box::new("in the style"))
        },
    );
    let reporter = start_on(screen, ProgressOptions::new("").style(style), Some(10));
    reporter.item();
    reporter.finish();
}

#[test]
fn a_run_is_shown_to_its_end() {
    let term = InMemoryTerm::new(8, 80);
    let bar = lent(&term, "{items}{errors}");
    let options = ProgressOptions::from(bar).leave(true);
    let half = |x: u32| if x.is_multiple_of(2) { Ok(x / 2) } else { Err(format!("{x} is odd")) };
    let results = par_map(0..9, 2, half).progress_with(options).flatten_errors();
    assert_eq!(results.filter(Result::is_err).count(), 4);
    assert_eq!(term.contents(), "9/9 items (100%), 4 errors");
}

#[test]
fn a_run_that_is_left_shows_what_was_yielded() {
    let term = InMemoryTerm::new(8, 80);
    let bar = lent(&term, "{items}{errors}");
    let mut results = par_map(0..1_000, 2, |x: u32| x).progress_with(bar.clone());
    assert_eq!(results.by_ref().take(3).flatten().collect::<Vec<_>>(), [0, 1, 2]);
    drop(results);
    assert!(bar.is_finished());
    assert_eq!(term.contents(), "3/1,000 items (0%)");
}

#[test]
fn a_run_whose_source_panics_shows_what_was_yielded() {
    let term = InMemoryTerm::new(8, 80);
    let source = (0..5).inspect(|&x| {
        if x == 3 {
            std::panic::resume_unwind(Box::new("in the source"));
        }
    });
    let bar = lent(&term, "{items}");
    let run = par_map(source, 1, |x: u32| x).progress_with(bar.clone());
    assert!(catch_unwind(AssertUnwindSafe(|| run.count())).is_err());
    assert!(bar.is_finished());
    assert_eq!(term.contents(), "3/5 items (60%)");
}
