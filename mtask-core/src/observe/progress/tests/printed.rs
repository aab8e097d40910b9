//! What a program prints past the bars, and what comes onto the terminal by itself.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::{InMemoryTerm, MultiProgress, ProgressBar, ProgressStyle};

use super::{Log, Output, screen_on, seconds, shown, soon};
use crate::Ended;
use crate::observe::progress::display::Display;
use crate::observe::progress::notebook::Notebook;
use crate::observe::progress::screen::Place;
use crate::observe::progress::terminal::Terminal;
use crate::observe::progress::{ProgressOptions, Reporter};
use crate::observe::stats::Counters;
use crate::sync::{Arc, AtomicUsize, Ordering};
use crate::{WorkerState, WorkerStats, par_map};

/// A message as the default panic hook writes it.
const PANIC: [&str; 4] = [
    "",
    "thread 'mtask-0' (4242) panicked at src/main.rs:7:9:",
    "bad item",
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
];

/// A run with two workers in view.
struct Shown {
    term: InMemoryTerm,
    bars: MultiProgress,
    terminal: Terminal,
    display: Display,
    items: u64,
}

impl Shown {
    fn open(rows: u16) -> Self {
        let term = InMemoryTerm::new(rows, 80);
        let screen = screen_on(&term);
        let bars = screen.bars.clone();
        let Place::Terminal(terminal) = &screen.place else { unreachable!("it is a terminal") };
        let terminal = terminal.clone();
        let style = ProgressStyle::with_template("{msg} {wide_bar} {progress}").unwrap();
        let style = style.progress_chars("━╸─");
        let options = ProgressOptions::new("read").style(style).workers(true);
        let display = Display::open(screen, options, Some(100)).expect("shown");
        display.begin();
        let mut shown = Self { term, bars, terminal, display, items: 0 };
        shown.tick(false);
        shown
    }

    fn tick(&mut self, ending: bool) {
        self.items += 1;
        let worker = WorkerStats { state: WorkerState::Working, ..WorkerStats::default() };
        self.display.show_workers(&[worker.clone(), worker], seconds(1));
        self.display.refresh(self.items, 0, seconds(1), ending.then(String::new));
    }

    /// Prints as a program does that knows nothing of bars.
    fn program(&self) -> Output {
        Output(self.term.clone())
    }

    /// The lines above the bar, and how many rows the bar and its workers have.
    fn lines(&self) -> (Vec<String>, usize) {
        let contents = self.term.contents();
        let lines: Vec<_> = contents.lines().map(str::to_owned).collect();
        let bars = lines.iter().rev().take_while(|line| !line.is_empty()).count();
        let above = lines[..lines.len() - bars].join("\n");
        (above.trim_end().lines().map(str::to_owned).collect(), bars)
    }
}

#[test]
fn no_line_is_lost_and_none_has_a_rest_of_a_bar_behind_it() {
    let mut shown = Shown::open(40);
    let mut printed = Vec::new();
    for n in 0..18 {
        printed.push(format!("hello {n} from worker"));
        writeln!(shown.program(), "{}", printed[n]).unwrap();
        shown.tick(false);
        assert_eq!(shown.lines(), (printed.clone(), 3));
    }
    shown.display.end(100, 0, seconds(2), Ended::Complete);
    let contents = shown.term.contents();
    let (before, last) = contents.rsplit_once('\n').unwrap();
    assert_eq!(before, printed.join("\n"), "{contents}");
    assert!(last.starts_with("read ━━") && last.contains(" complete, 100/100 items"), "{last}");
}

#[test]
fn none_is_lost_where_the_screen_scrolls() {
    let mut shown = Shown::open(12);
    let mut printed = Vec::new();
    for n in 0..40 {
        printed.push(format!("hello {n}"));
        writeln!(shown.program(), "{}", printed[n]).unwrap();
        shown.tick(false);
        let room = 12 - 5 - 3;
        let seen = &printed[printed.len().saturating_sub(room)..];
        assert_eq!(shown.lines(), (seen.to_vec(), 3));
    }
}

#[test]
fn a_panics_message_stays_whole_above_the_bars() {
    let mut shown = Shown::open(40);
    let mut program = shown.program();
    writeln!(program, "{}\nconsumer says: bad item", PANIC.join("\n")).unwrap();
    shown.tick(false);
    // A thread that panics while it has a bar, as an `ItemBar` is dropped by one.
    let bars = shown.bars.clone();
    let dropped = catch_unwind(AssertUnwindSafe(move || {
        let bar = bars.add(ProgressBar::new(3));
        bar.tick();
        std::panic::resume_unwind(Box::new("in a worker"));
    }));
    assert!(dropped.is_err());
    shown.tick(false);
    writeln!(program, "{}", PANIC.join("\n")).unwrap();
    shown.tick(false);
    let expected = [&PANIC[..], &["consumer says: bad item"], &PANIC].concat();
    assert_eq!(shown.lines().0, expected);
}

#[test]
fn of_more_lines_than_there_is_room_for_none_is_lost_either() {
    let mut shown = Shown::open(60);
    for n in 0..20 {
        writeln!(shown.program(), "line {n:02}").unwrap();
    }
    shown.tick(false);
    let (lines, bars) = shown.lines();
    assert_eq!((lines.len(), bars), (20, 3), "{lines:?}");
    for (n, line) in lines.iter().enumerate() {
        assert!(line.starts_with(&format!("line {n:02}")), "{lines:?}");
        // What may be behind it is of the three rows that were written over.
        assert!(line.len() == 7 || (5..8).contains(&n), "{lines:?}");
    }
}

#[test]
fn what_is_no_whole_line_yet_stays_too() {
    let mut shown = Shown::open(40);
    write!(shown.program(), "counting: ").unwrap();
    shown.tick(false);
    writeln!(shown.program(), "done").unwrap();
    shown.tick(false);
    assert_eq!(shown.lines(), (vec!["counting:".to_owned(), "done".to_owned()], 3));
}

#[test]
fn after_a_ctrl_c_there_is_one_bar_that_is_ending() {
    let mut shown = Shown::open(40);
    write!(shown.program(), "^C").unwrap();
    for _ in 0..3 {
        shown.tick(true);
        assert_eq!(shown.lines(), (vec!["^C".to_owned()], 3));
        let contents = shown.term.contents();
        assert_eq!(contents.matches("read ").count(), 1, "{contents}");
        assert!(contents.contains(" ending, "), "{contents}");
    }
    shown.display.end(5, 0, seconds(2), Ended::Cancelled);
    let contents = shown.term.contents();
    assert_eq!(contents.lines().count(), 2, "{contents}");
    assert!(contents.contains(" cancelled, 5/100 items (5%) in 2.0s"), "{contents}");
}

#[test]
fn what_is_printed_after_the_end_is_not_drawn_over_by_the_next_run() {
    let term = InMemoryTerm::new(40, 80);
    let screen = screen_on(&term);
    let bars = screen.bars.clone();
    let Place::Terminal(terminal) = &screen.place else { unreachable!("it is a terminal") };
    let open = |message| {
        let style = ProgressStyle::with_template("{msg} {items}").unwrap();
        let log = Box::new(io::sink());
        let place = Place::Terminal(terminal.clone());
        let screen = super::Screen { place, bars: bars.clone(), log };
        Display::open(screen, ProgressOptions::new(message).style(style), None).expect("shown")
    };
    // The outer bar is the first to come and the last to go, as that of a run whose source is another.
    let mut expected = String::new();
    for file in 0..3 {
        let (mut outer, mut inner) = (open("outer"), open("inner"));
        outer.begin();
        inner.begin();
        inner.end(2, 0, seconds(1), Ended::Complete);
        drop(inner);
        outer.end(1, 0, seconds(1), Ended::Complete);
        drop(outer);
        writeln!(Output(term.clone()), "file {file}").unwrap();
        expected += &format!("inner 2 items\nouter 1 items\nfile {file}\n");
        assert_eq!(term.contents(), expected.trim_end());
    }
}

#[test]
fn bars_of_the_callers_among_ours_stay_after_a_run() {
    let mut shown = Shown::open(40);
    let other = shown.bars.add(ProgressBar::new(9).with_message("other"));
    other.set_style(ProgressStyle::with_template("{msg} {pos}/{len}").unwrap());
    other.inc(1);
    shown.display.end(100, 0, seconds(1), Ended::Complete);
    writeln!(shown.program()).unwrap();
    other.inc(1);
    let contents = super::shown(&shown.term);
    let lines: Vec<_> = contents.lines().collect();
    assert!(lines[0].starts_with("read ━"), "{contents}");
    assert_eq!(lines.last(), Some(&"other 2/9"), "{contents}");
}

#[test]
fn our_own_lines_stand_above_the_bars() {
    let mut shown = Shown::open(40);
    shown.terminal.print(b"one\n").unwrap();
    assert_eq!(shown.lines(), (vec!["one".to_owned()], 3));
    shown.bars.println("two").unwrap();
    // While indicatif holds the bars back it draws nothing, and is not waited for.
    shown.bars.suspend(|| shown.terminal.print(b"three\n").unwrap());
    shown.tick(false);
    assert_eq!(shown.lines(), (["one", "two", "three"].map(str::to_owned).to_vec(), 3));
    shown.display.end(100, 0, seconds(1), Ended::Complete);
    shown.terminal.print(b"after\n").unwrap();
    let contents = shown.term.contents();
    assert!(contents.starts_with("one\ntwo\nthree\nread ━"), "{contents}");
    assert!(contents.ends_with("\nafter") && contents.lines().count() == 5, "{contents}");
}

#[test]
fn in_a_notebook_they_are_not_drawn_over() {
    let log = Log::default();
    let notebook = Notebook::on(log.clone());
    let bars = MultiProgress::with_draw_target(notebook.target());
    let bar = bars.add(ProgressBar::new(9));
    bar.set_style(ProgressStyle::with_template("{pos}").unwrap());
    bar.abandon();
    notebook.print(b"five is here\n").unwrap();
    bar.set_position(1);
    bar.abandon();
    let trimmed: Vec<_> = log.writes().iter().map(|text| text.trim_end().to_owned()).collect();
    assert_eq!(trimmed.first().map(String::as_str), Some("0"));
    assert_eq!(trimmed[1], "five is here");
    assert_eq!(trimmed[2], "1", "it is not drawn over the line");
}

#[test]
fn a_run_that_is_cancelled_is_ending_until_its_end() {
    let term = InMemoryTerm::new(8, 80);
    let is_ending = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&is_ending);
    let options = ProgressOptions::new("read").interval(Duration::ZERO);
    let counters = Arc::new(Counters::new(1));
    let reporter = Reporter::start_on(
        screen_on(&term),
        options,
        Some(9),
        counters,
        Box::new(move || {
            let waits =
                if asked.load(Ordering::Relaxed) > 1 { "waits for worker 1 at item 7" } else { "" };
            (asked.load(Ordering::Relaxed) > 0).then(|| waits.to_owned())
        }),
    );
    soon("the bar", || shown(&term).contains(" 0/9 items"));
    assert!(!shown(&term).contains("ending"));
    is_ending.store(1, Ordering::Relaxed);
    soon("the word", || shown(&term).contains(" ending, 0/9 items (0%), "));
    is_ending.store(2, Ordering::Relaxed);
    let text = " ending, waits for worker 1 at item 7, 0/9 items (0%), ";
    soon("who is waited for", || shown(&term).contains(text));
    reporter.finish(Ended::Cancelled);
    assert!(shown(&term).contains(" cancelled, 0/9 items (0%) in "), "{}", shown(&term));
}

const CHILD: &str = "MTASK_PROGRESS_TEST_CHILD";

#[test]
fn without_a_terminal_they_go_to_standard_error() {
    if std::env::var_os(CHILD).is_some() {
        let mut out = ProgressOptions::writer();
        ProgressOptions::println("before");
        for x in par_map(0..3, 1, |x: u32| x).progress("read").flatten() {
            write!(out.clone(), "cut").unwrap();
            write!(out, "item {x}").unwrap();
            out.flush().unwrap();
            ProgressOptions::println(format!("println {x}"));
            writeln!(out, " is here\nand").unwrap();
        }
        ProgressOptions::bars().suspend(|| ProgressOptions::println("after"));
        write!(out, "the rest").unwrap();
        return;
    }
    let name = std::thread::current().name().expect("a test").to_owned();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let stderr = String::from_utf8(child.stderr).unwrap();
    let item = |x| format!("cut\nprintln {x}\nitem {x} is here\nand\n");
    let items: String = (0..3).map(item).collect();
    let expected = format!("before\n{items}read: complete, 3/3 items (100%) in ");
    assert!(stderr.starts_with(&expected), "{stderr}");
    assert!(stderr.ends_with("\nafter\nthe rest\n"), "{stderr}");
}
