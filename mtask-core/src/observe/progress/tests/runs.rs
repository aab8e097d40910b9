//! The ticker's thread, and whole runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use indicatif::{InMemoryTerm, MultiProgress, ProgressBar, ProgressState, ProgressStyle, TermLike};

use super::{draw_to, redirected, seconds, shown, soon, terminal};
use crate::Ended;
use crate::observe::progress::screen::Screen;
use crate::observe::progress::{ProgressOptions, Reporter};
use crate::observe::stats::Counters;
use crate::sync::Arc;
use crate::{Spec, init_fn, par_map, par_stateful};

/// Longer than a test takes: what waits for it has failed.
const NEVER: Duration = seconds(3600);

/// A run with two workers that never begin.
fn start_on(screen: Screen, options: ProgressOptions, length: Option<u64>) -> Reporter {
    let counters = Arc::new(Counters::new(2));
    Reporter::start_on(screen, options, length, counters, Box::new(|| None))
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
    soon("the bar", || shown(&term).contains("─ 0/10 items (0%)"));
    reporter.item();
    reporter.item();
    reporter.error();
    soon("the count", || shown(&term).contains(" 2/10 items (20%)"));
    soon("the error", || shown(&term).ends_with(" 1 error"));
    reporter.item();
    reporter.finish(Ended::Complete);
    assert!(shown(&term).contains(" 3/10 items (30%) in "), "{}", shown(&term));
}

#[test]
fn the_end_does_not_wait_for_a_tick() {
    let (term, screen) = terminal();
    let started = Instant::now();
    let reporter = start_on(screen, ProgressOptions::new("end").interval(NEVER), Some(1));
    soon("the bar", || shown(&term).starts_with("end "));
    // Time for the ticker to fall asleep: awake, it would see the end by itself.
    std::thread::sleep(Duration::from_millis(50));
    reporter.item();
    reporter.finish(Ended::Complete);
    assert!(started.elapsed() < seconds(20));
    assert!(shown(&term).contains(" 1/1 items (100%) in "), "{}", shown(&term));
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
    reporter.finish(Ended::Complete);
    let lines = log.writes();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("short: complete, 1 items in "), "{lines:?}");
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
    let contents = shown(&term);
    assert!(contents.contains(" 1/10 items (10%) in "), "{contents}");
    term.write_str("after").unwrap();
    assert_eq!(shown(&term), format!("{contents}\nafter"));
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
    reporter.finish(Ended::Complete);
}

#[test]
fn a_run_is_shown_to_its_end() {
    let term = InMemoryTerm::new(8, 80);
    let bar = lent(&term, "{items}{errors}");
    let options = ProgressOptions::from(bar).leave(true);
    let half = |x: u32| if x % 2 == 0 { Ok(x / 2) } else { Err(format!("{x} is odd")) };
    let results = par_map(0..9, 2, half).progress_with(options).flatten_errors();
    assert_eq!(results.filter(Result::is_err).count(), 4);
    assert_eq!(shown(&term), "9/9 items (100%), 4 errors");
}

#[test]
fn a_run_that_is_left_shows_what_was_yielded() {
    let term = InMemoryTerm::new(8, 80);
    let bar = lent(&term, "{items}{errors}");
    let mut results = par_map(0..1_000, 2, |x: u32| x).progress_with(bar.clone());
    assert_eq!(results.by_ref().take(3).flatten().collect::<Vec<_>>(), [0, 1, 2]);
    drop(results);
    assert!(bar.is_finished());
    assert_eq!(shown(&term), "3/1,000 items (0%)");
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
    assert_eq!(shown(&term), "3/5 items (60%)");
}

/// What a run says last of itself, up to the time that it took.
fn last_word(run: impl FnOnce(ProgressOptions)) -> String {
    let term = InMemoryTerm::new(8, 80);
    let bars = MultiProgress::with_draw_target(draw_to(&term));
    let style = ProgressStyle::with_template("{progress}{errors}").unwrap();
    let options = ProgressOptions::default().style(style).multi(&bars);
    let thrown = catch_unwind(AssertUnwindSafe(|| run(options)));
    let last = shown(&term);
    let (before, after) = last.split_once(" in ").unwrap_or_else(|| panic!("{last}: {thrown:?}"));
    let errors = after.split_once("error").map_or("", |(_, rest)| rest);
    assert!(errors.is_empty() || errors == "s", "{last}");
    before.to_owned()
}

#[test]
fn done_is_said_where_every_item_was_yielded_and_nowhere_else() {
    let word =
        last_word(|options| assert_eq!(par_map(0..9, 2, |x| x).progress_with(options).count(), 9));
    assert_eq!(word, "complete, 9/9 items (100%)");
    // It came when nothing was left to be cut off.
    let word = last_word(|options| {
        let mut run = par_map(0..9, 2, |x: u32| x).progress_with(options);
        let handle = run.cancel_handle();
        assert_eq!(run.by_ref().take(9).count(), 9);
        handle.cancel();
        assert!(run.next().is_none());
    });
    assert_eq!(word, "complete, 9/9 items (100%)");
}

#[test]
fn a_cancel_is_said() {
    for inline in [false, true] {
        let word = last_word(|options| {
            let run = par_map(0..9_000, 1, |x: u32| x).max_in_flight(2).progress_with(options);
            let handle = run.cancel_handle();
            let cancel = |x: Result<u32, _>| {
                if matches!(x, Ok(2)) {
                    handle.cancel();
                }
            };
            if inline {
                run.inline().for_each(cancel);
            } else {
                run.for_each(cancel);
            }
        });
        assert!(word.starts_with("cancelled, ") && word.ends_with("/9,000 items (0%)"), "{word}");
    }
}

#[test]
fn an_early_end_is_said() {
    let word = last_word(|options| {
        assert_eq!(par_map(0..900, 2, |x| x).progress_with(options).take(3).count(), 3);
    });
    assert_eq!(word, "stopped, 3/900 items (0%)");

    let half = |x: u32| if x < 5 { Ok(x) } else { Err("too much") };
    let word = last_word(|options| {
        let run = par_map(0..900, 2, half).progress_with(options);
        let mut run = run.flatten_errors().stop_on_error();
        assert_eq!(run.by_ref().count(), 6);
    });
    assert_eq!(word, "stopped, 6/900 items (0%)");

    let word = last_word(|options| {
        for x in par_map(0..900, 2, |x: u32| x).progress_with(options).flatten() {
            if x == 4 {
                std::panic::resume_unwind(Box::new("in the loop"));
            }
        }
    });
    assert_eq!(word, "stopped, 5/900 items (0%)");
}

#[test]
fn a_source_that_panicked_is_said() {
    let word = last_word(|options| {
        let source = (0..5).inspect(|&x| {
            if x == 3 {
                std::panic::resume_unwind(Box::new("in the source"));
            }
        });
        par_map(source, 1, |x: u32| x).progress_with(options).for_each(drop);
    });
    assert_eq!(word, "source panicked, 3/5 items (60%)");
}

#[test]
fn a_run_that_could_not_start_has_done_no_item() {
    let run = |options| {
        let spec = init_fn(|| Err::<fn(u32) -> u32, _>("no GPU"));
        par_stateful(0..10, spec.times(2)).build_now().progress_with(options)
    };
    let expected = "start failed, 0/10 items (0%)";
    // The error is seen, and nothing else comes; or the run is left with it.
    assert_eq!(last_word(|options: ProgressOptions| assert_eq!(run(options).count(), 1)), expected);
    assert_eq!(
        last_word(|options: ProgressOptions| assert!(run(options).next().unwrap().is_err())),
        expected
    );
    let word = last_word(|options: ProgressOptions| assert_eq!(run(options).inline().count(), 1));
    assert_eq!(word, expected);
}
