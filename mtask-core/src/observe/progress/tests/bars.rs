//! Several bars on a terminal, and bars of the caller's.

use indicatif::{
    InMemoryTerm, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle,
};

use super::{draw_to, redirected, seconds, shown, terminal};
use crate::Ended;
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;

/// A style whose lines are short enough to write down.
fn short() -> ProgressStyle {
    ProgressStyle::with_template("{msg} {items}{errors}").unwrap()
}

fn open(options: ProgressOptions, length: Option<u64>) -> Display {
    Display::open(terminal().1, options, length).expect("shown")
}

#[test]
fn bars_of_ours_stand_below_each_other() {
    let (term, screen) = terminal();
    let bars = screen.bars.clone();
    let show = |message, length| {
        let (_, screen) = terminal();
        let options = ProgressOptions::new(message).style(short()).multi(&bars);
        Display::open(screen, options, Some(length)).expect("shown")
    };
    let (mut first, mut second) = (show("first", 10), show("second", 20));
    first.begin();
    second.begin();
    assert_eq!(shown(&term), "first 0/10 items (0%)\nsecond 0/20 items (0%)");

    first.end(10, 0, seconds(1), Ended::Complete);
    drop(first);
    second.refresh(5, 1, seconds(2), None);
    assert_eq!(shown(&term), "first 10/10 items (100%)\nsecond 5/20 items (25%), 1 error");

    let mut third = show("third", 30);
    third.refresh(3, 0, seconds(1), None);
    second.end(6, 1, seconds(3), Ended::Stopped);
    drop(second);
    third.end(30, 0, seconds(2), Ended::Complete);
    drop(third);
    let expected = "first 10/10 items (100%)\nsecond 6/20 items (30%), 1 error\n\
                    third 30/30 items (100%)";
    assert_eq!(shown(&term), expected);
}

#[test]
fn a_bar_takes_its_place_among_those_of_the_caller() {
    let term = InMemoryTerm::new(8, 80);
    let bars = MultiProgress::with_draw_target(draw_to(&term));
    let other = bars.add(ProgressBar::new(100).with_message("other"));
    other.set_style(ProgressStyle::with_template("{msg} {pos}/{len}").unwrap());
    other.set_position(7);

    let below = open(ProgressOptions::new("below").style(short()).multi(&bars), Some(10));
    let options = ProgressOptions::new("above").style(short()).multi(&bars).position(0);
    let mut above = open(options, Some(20));
    below.begin();
    above.begin();
    assert_eq!(shown(&term), "above 0/20 items (0%)\nother 7/100\nbelow 0/10 items (0%)");

    above.end(20, 0, seconds(1), Ended::Complete);
    drop(above);
    other.inc(1);
    assert_eq!(shown(&term), "above 20/20 items (100%)\nother 8/100\nbelow 0/10 items (0%)");
}

#[test]
fn a_bar_of_the_callers_keeps_its_style_message_and_place() {
    let term = InMemoryTerm::new(8, 80);
    let bar = ProgressBar::with_draw_target(Some(40), draw_to(&term))
        .with_style(ProgressStyle::with_template("mine: {msg} {pos} of {len}{errors}").unwrap())
        .with_message("working")
        .with_finish(ProgressFinish::WithMessage("finished".into()));
    let mut display = open(bar.clone().into(), Some(40));
    display.refresh(10, 1, seconds(1), None);
    assert_eq!(shown(&term), "mine: working 10 of 40, 1 error");
    display.end(40, 1, seconds(4), Ended::Complete);
    assert_eq!(shown(&term), "mine: finished 40 of 40, 1 error");
    assert!(bar.is_finished());
}

#[test]
fn a_bar_of_the_callers_left_early_is_abandoned() {
    let term = InMemoryTerm::new(8, 80);
    let bar = ProgressBar::with_draw_target(None, draw_to(&term)).with_style(short());
    let mut display = open(bar.clone().into(), Some(40));
    display.end(10, 0, seconds(1), Ended::Stopped);
    assert!(bar.is_finished());
    assert_eq!((bar.position(), bar.length()), (10, Some(40)));
    assert_eq!(shown(&term), " 10/40 items (25%)");
}

#[test]
fn a_bar_that_counts_more_than_a_run_goes_on_after_it() {
    let term = InMemoryTerm::new(8, 80);
    let bar = ProgressBar::with_draw_target(Some(30), draw_to(&term)).with_style(short());
    let mut display = open(bar.clone().into(), Some(10));
    bar.inc(5);
    display.end(10, 0, seconds(1), Ended::Complete);
    drop(display);
    assert!(!bar.is_finished());
    assert_eq!(shown(&term), " 15/30 items (50%)");

    let options = ProgressOptions::from(bar.clone()).leave(true);
    let mut display = open(options, Some(15));
    display.end(15, 0, seconds(1), Ended::Complete);
    drop(display);
    assert!(bar.is_finished());
    assert_eq!(shown(&term), " 30/30 items (100%)");
}

#[test]
fn a_bar_of_the_callers_is_moved_where_it_is_told() {
    let (term, screen) = terminal();
    let bars = screen.bars.clone();
    let other = bars.add(ProgressBar::new(9));
    other.set_style(ProgressStyle::with_template("other").unwrap());
    other.tick();
    let bar = ProgressBar::hidden().with_style(short()).with_message("mine");
    let options = ProgressOptions::from(bar).position(0);
    let display = Display::open(screen, options, Some(10)).expect("shown");
    display.begin();
    assert_eq!(shown(&term), "mine 0/10 items (0%)\nother");
}

#[test]
fn a_hidden_bar_of_the_callers_still_counts() {
    let term = InMemoryTerm::new(8, 80);
    let bar = ProgressBar::with_draw_target(None, draw_to(&term)).with_message("old");
    let (log, screen) = redirected();
    let options = ProgressOptions::from(bar.clone()).hidden(true).message("new").initial(5);
    let mut display = Display::open(screen, options, Some(10)).expect("counted");
    display.refresh(4, 0, seconds(20), None);
    assert_eq!((bar.position(), bar.length(), bar.message()), (9, Some(15), "new".to_owned()));
    display.end(10, 0, seconds(30), Ended::Complete);
    assert_eq!(bar.position(), 15);
    assert_eq!(log.writes(), Vec::<String>::new());
}

#[test]
fn a_bar_that_was_hidden_on_a_terminal_stays_hidden() {
    let (term, screen) = terminal();
    let bar = ProgressBar::with_draw_target(Some(10), ProgressDrawTarget::hidden());
    // The log of that screen panics when it is written to.
    let mut display = Display::open(screen, bar.into(), Some(10)).expect("counted");
    display.refresh(4, 0, seconds(20), None);
    display.end(10, 0, seconds(30), Ended::Complete);
    assert_eq!(shown(&term), "");
}
