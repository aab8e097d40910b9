//! Plain lines where there is no terminal.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::{redirected, seconds};
use crate::Ended;
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;
use crate::observe::progress::screen::Screen;

/// What a run of two looks at itself and an end writes.
fn logged(options: ProgressOptions, length: Option<u64>, ending: Ended) -> Vec<String> {
    let (log, screen) = redirected();
    let mut display = Display::open(screen, options, length).expect("logged");
    assert_eq!(display.interval(), seconds(10));
    display.begin();
    display.refresh(0, 0, seconds(10), None);
    display.refresh(1_200, 3, seconds(20), None);
    display.end(5_000, 4, seconds(60), ending);
    log.writes()
}

#[test]
fn a_line_is_one_write_and_reads_well() {
    let options = ProgressOptions::new("tokenize").unit("lines");
    assert_eq!(
        logged(options, Some(5_000), Ended::Complete),
        [
            "tokenize: 0/5,000 lines (0%), 10s\n",
            "tokenize: 1,200/5,000 lines (24%), 79.3/s, 20s, 47s left, 3 errors\n",
            "tokenize: complete, 5,000/5,000 lines (100%) in 1:00, 83.3/s, 4 errors\n",
        ]
    );
}

#[test]
fn the_last_line_tells_of_a_run_that_was_left() {
    let lines = logged(ProgressOptions::default(), None, Ended::Stopped);
    assert_eq!(
        lines,
        [
            "0 items, 10s\n",
            "1,200 items, 79.3/s, 20s, 3 errors\n",
            "stopped, 5,000 items in 1:00, 83.3/s, 4 errors\n",
        ]
    );
}

#[test]
fn no_control_code_gets_through() {
    let options = ProgressOptions::new("\x1b[1mtwo\r\nlines\x07").unit("\tb");
    let lines = logged(options, None, Ended::Complete);
    assert_eq!(lines.len(), 3);
    for line in lines {
        let line = line.strip_suffix('\n').expect("a whole line");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn what_does_not_stay_on_a_terminal_stays_in_a_log() {
    let options = ProgressOptions::new("warm up").leave(false);
    assert_eq!(logged(options, None, Ended::Complete).len(), 3);
}

#[test]
fn a_bar_of_the_callers_without_a_terminal_is_logged() {
    let bar = ProgressBar::with_draw_target(Some(6_000), ProgressDrawTarget::hidden())
        .with_prefix("1 of 2")
        .with_message("tokenize")
        .with_position(1_000);
    assert_eq!(
        logged(bar.into(), Some(5_000), Ended::Complete),
        [
            "1 of 2: tokenize: 1,000/6,000 items (16%), 10s\n",
            "1 of 2: tokenize: 2,200/6,000 items (36%), 79.3/s, 20s, 47s left, 3 errors\n",
            "1 of 2: tokenize: complete, 6,000/6,000 items (100%) in 1:00, 83.3/s, 4 errors\n",
        ]
    );
}

#[test]
fn bars_of_the_callers_without_a_terminal_are_logged() {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    let options = ProgressOptions::new("tokenize").multi(&bars);
    assert_eq!(logged(options, None, Ended::Complete).len(), 3);
}

#[test]
fn a_closed_log_ends_nothing() {
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    let screen = Screen { log: Box::new(Closed), ..redirected().1 };
    let mut display = Display::open(screen, "tokenize".into(), None).expect("logged");
    display.refresh(10, 0, seconds(10), None);
    display.end(20, 0, seconds(20), Ended::Complete);
}
