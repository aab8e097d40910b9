//! The lines of the workers.

use std::time::Duration;

use indicatif::{
    InMemoryTerm, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike,
};

use super::{draw_to, redirected, screen_on, seconds, shown, soon, terminal};
use crate::Ended;
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;
use crate::observe::progress::screen::Screen;
use crate::sync::{Arc, AtomicBool, Ordering};
use crate::{Pool, Spec, WorkerState, WorkerStats, par_map, worker_fn};

fn worker(state: WorkerState, since: Duration, items: usize) -> WorkerStats {
    WorkerStats { state, since, items, ..WorkerStats::default() }
}

fn working(millis: u64) -> WorkerStats {
    worker(WorkerState::Working, Duration::from_millis(millis), 7)
}

/// A terminal with room for the lines of many workers.
fn tall() -> (InMemoryTerm, Screen) {
    let term = InMemoryTerm::new(40, 80);
    let screen = screen_on(&term);
    (term, screen)
}

fn options() -> ProgressOptions {
    let style = ProgressStyle::with_template("{msg} {items}").unwrap();
    ProgressOptions::new("read").style(style).workers(true)
}

/// The lines below the bar.
fn lines(term: &InMemoryTerm) -> Vec<String> {
    let contents = shown(term);
    let mut lines = contents.lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("read 0/10 items (0%)"), "{contents}");
    lines.collect()
}

#[test]
fn there_is_one_for_each_worker_while_the_run_goes() {
    let (term, screen) = terminal();
    let mut display = Display::open(screen, options(), Some(10)).expect("shown");
    assert!(display.shows_workers());
    display.begin();
    assert_eq!(shown(&term), "read 0/10 items (0%)");

    let some = [
        worker(WorkerState::Idle, seconds(3), 0),
        worker(WorkerState::Building, Duration::from_millis(400), 0),
        WorkerStats {
            errors: 3,
            ..worker(WorkerState::Working, Duration::from_millis(3_210), 1_204)
        },
        WorkerStats { errors: 1, ..worker(WorkerState::Waiting, seconds(75), 1) },
    ];
    display.show_workers(&some, seconds(3));
    let expected = [
        "  worker 0  idle               · 0 items",
        "  worker 1  building for 0.4s  · 0 items",
        "  worker 2  working for 3.2s   · 1,204 items · 3 errors",
        "  worker 3  waiting for 1:15   · 1 item · 1 error",
    ];
    assert_eq!(lines(&term), expected);
    display.refresh(5, 0, seconds(3), None);
    let contents = format!("read 5/10 items (50%)\n{}", expected.join("\n"));
    assert_eq!(shown(&term), contents);
}

#[test]
fn they_go_at_the_end() {
    for (leave, ending) in [
        (true, Ended::Complete),
        (true, Ended::Stopped),
        (false, Ended::Complete),
        (false, Ended::Stopped),
    ] {
        let (term, screen) = terminal();
        let options = options().leave(leave);
        let mut display = Display::open(screen, options, Some(10)).expect("shown");
        display.begin();
        display.show_workers(&[working(100), working(12_000)], seconds(12));
        display.refresh(5, 0, seconds(12), None);
        assert_eq!(shown(&term).lines().count(), 3);
        display.end(6, 0, seconds(13), ending);
        drop(display);
        let bar = if leave { "read 6/10 items (60%)" } else { "" };
        assert_eq!(shown(&term), bar);
        term.write_str("after").unwrap();
        assert_eq!(shown(&term), if leave { format!("{bar}\nafter") } else { "after".into() });
    }
}

#[test]
fn a_run_that_is_not_asked_has_none() {
    let (term, screen) = terminal();
    let mut display = Display::open(screen, options().workers(false), Some(10)).expect("shown");
    assert!(!display.shows_workers());
    display.begin();
    display.show_workers(&[working(20_000)], seconds(20));
    assert_eq!(lines(&term), [""; 0]);
}

#[test]
fn a_stuck_worker_stands_out_with_the_age_of_its_item() {
    let (term, screen) = terminal();
    let mut display = Display::open(screen, options(), Some(10)).expect("shown");
    display.begin();
    let waiting = worker(WorkerState::Waiting, seconds(500), 7);
    let building = worker(WorkerState::Building, seconds(12), 0);
    display
        .show_workers(&[working(9_900), waiting.clone(), building, working(31_000)], seconds(31));
    assert_eq!(
        lines(&term),
        [
            "! worker 3  working for 31.0s  · 7 items",
            "! worker 2  building for 12.0s · 0 items",
            "  worker 0  working for 9.9s   · 7 items",
            "  worker 1  waiting for 8:20   · 7 items",
        ]
    );
    // And it is no more than others once it has gone on.
    display.show_workers(&[working(0), waiting, working(100), working(4_000)], seconds(35));
    let calm = lines(&term);
    assert_eq!(calm.len(), 4);
    assert!(calm.iter().zip(0..).all(|(line, n)| line.starts_with(&format!("  worker {n}"))));
}

#[test]
fn of_many_workers_the_slowest_are_shown() {
    let (term, screen) = tall();
    let mut display = Display::open(screen, options(), Some(10)).expect("shown");
    display.begin();
    let mut many: Vec<_> = (0..28).map(|n| working(n * 7)).collect();
    many[20] = working(5_000);
    many[25] = working(64_000);
    many[27] = working(5_900);
    display.show_workers(&many, seconds(70));
    let lines = lines(&term);
    assert_eq!(lines.len(), 17);
    assert_eq!(lines[0], "! worker 25  working for 1:04   · 7 items");
    // Those that differ by less than a second keep their order.
    let numbers: Vec<_> =
        lines[1..16].iter().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(numbers[..5], ["20", "27", "0", "1", "2"]);
    assert_eq!(numbers[14], "12");
    assert_eq!(lines[16], "  … and 12 more");
}

#[test]
fn a_small_terminal_shows_the_slowest_and_is_left_clean() {
    let (term, screen) = terminal();
    let mut display = Display::open(screen, options(), Some(10)).expect("shown");
    display.begin();
    let mut some: Vec<_> = (0..16).map(|_| working(100)).collect();
    some[15] = working(64_000);
    for _ in 0..3 {
        display.show_workers(&some, seconds(70));
        display.refresh(0, 0, seconds(70), None);
    }
    let rows = lines(&term);
    assert!((5..8).contains(&rows.len()), "{rows:?}");
    assert!(rows[0].starts_with("! worker 15"), "{rows:?}");
    display.end(0, 0, seconds(71), Ended::Stopped);
    assert_eq!(shown(&term), "read 0/10 items (0%)");
}

#[test]
fn a_hidden_bar_has_none() {
    let (term, screen) = terminal();
    let hidden = ProgressOptions::from(ProgressBar::hidden()).hidden(true).workers(true);
    let display = Display::open(screen, hidden, Some(10)).expect("counted");
    assert!(!display.shows_workers());
    assert_eq!(shown(&term), "");

    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    let display = Display::open(terminal().1, options().multi(&bars), Some(10)).expect("counted");
    assert!(!display.shows_workers());
}

#[test]
fn they_stand_under_their_bar_among_those_of_the_caller() {
    let term = InMemoryTerm::new(20, 80);
    let bars = MultiProgress::with_draw_target(draw_to(&term));
    let other = bars.add(ProgressBar::new(100).with_message("other"));
    other.set_style(ProgressStyle::with_template("{msg} {pos}/{len}").unwrap());
    other.set_position(7);
    // A bar of the caller's above it, and another run below.
    let lent = ProgressBar::hidden().with_message("lent").with_style(other.style());
    let lent = ProgressOptions::from(lent).multi(&bars).position(0).leave(true).workers(true);
    let mut first = Display::open(terminal().1, lent, Some(9)).expect("shown");
    let mut second = Display::open(terminal().1, options().multi(&bars), Some(10)).expect("shown");
    first.begin();
    second.begin();
    second.show_workers(&[working(200)], seconds(1));
    first.show_workers(&[working(100), working(11_000)], seconds(12));
    assert_eq!(
        shown(&term).lines().collect::<Vec<_>>(),
        [
            "lent 0/9",
            "! worker 1  working for 11.0s  · 7 items",
            "  worker 0  working for 0.1s   · 7 items",
            "other 7/100",
            "read 0/10 items (0%)",
            "  worker 0  working for 0.2s   · 7 items",
        ]
    );
    first.end(9, 0, seconds(13), Ended::Complete);
    drop(first);
    second.end(10, 0, seconds(13), Ended::Complete);
    drop(second);
    other.inc(1);
    let expected = "lent 9/9\nother 8/100\nread 10/10 items (100%)";
    assert_eq!(shown(&term), expected);
}

#[test]
fn a_bar_of_the_callers_without_others_has_none() {
    let term = InMemoryTerm::new(8, 80);
    let bar = ProgressBar::with_draw_target(Some(10), draw_to(&term));
    let options = ProgressOptions::from(bar).workers(true);
    assert!(!Display::open(terminal().1, options, None).expect("shown").shows_workers());
}

#[test]
fn a_log_tells_of_a_stuck_worker_once() {
    let (log, screen) = redirected();
    let options = ProgressOptions::new("tokenize").workers(true);
    let mut display = Display::open(screen, options, None).expect("logged");
    assert!(display.shows_workers());
    display.begin();
    let idle = worker(WorkerState::Waiting, seconds(100), 3);
    // Ticks are ten seconds and a little apart; so are the clocks' readings a little off.
    display.show_workers(&[idle.clone(), working(9_000)], seconds(10));
    display.show_workers(&[idle.clone(), working(19_002)], seconds(20));
    display.show_workers(&[idle.clone(), working(29_100)], Duration::from_millis(30_099));
    display.show_workers(&[idle.clone(), working(39_000)], seconds(40));
    assert_eq!(log.writes(), ["tokenize: worker 1: working for 19.0s\n"]);
    // The next item, which began right after that, and a build of the other worker.
    let building = worker(WorkerState::Building, seconds(10), 3);
    display.show_workers(&[building, working(10_200)], Duration::from_millis(50_300));
    display.show_workers(&[working(600), working(300)], seconds(60));
    assert_eq!(
        log.writes()[1..],
        ["tokenize: worker 0: building for 10.0s\n", "tokenize: worker 1: working for 10.2s\n",]
    );
}

#[test]
fn a_log_tells_nothing_of_workers_unless_it_is_asked() {
    let (log, screen) = redirected();
    let mut display = Display::open(screen, "tokenize".into(), None).expect("logged");
    assert!(!display.shows_workers());
    display.show_workers(&[working(60_000)], seconds(60));
    assert_eq!(log.writes(), Vec::<String>::new());
}

/// Has a run wait at its items until its lines were seen, and gives what is left on the screen.
fn watched(
    workers: usize,
    run: impl FnOnce(ProgressOptions, Box<dyn Fn(u32) + Send + Sync>) + Send + 'static,
) -> String {
    let (term, screen) = tall();
    let options =
        ProgressOptions::new("watch").multi(&screen.bars).workers(true).interval(Duration::ZERO);
    let go_on = Arc::new(AtomicBool::new(false));
    let wait = {
        let go_on = Arc::clone(&go_on);
        move |_| {
            while !go_on.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    };
    let consumer = std::thread::spawn(move || run(options, Box::new(wait)));
    for number in 0..workers {
        let line = format!("\n  worker {number}  working for ");
        soon(&line, || shown(&term).contains(&line));
    }
    go_on.store(true, Ordering::Relaxed);
    consumer.join().expect("a run without a panic");
    shown(&term)
}

#[test]
fn those_of_a_run_are_seen_at_their_items() {
    let left = watched(2, |options, wait| {
        let wait = Arc::new(wait);
        assert_eq!(par_map(0..2, 2, move |x| wait(x)).progress_with(options).count(), 2);
    });
    assert!(left.starts_with("watch ━") && left.contains(" 2/2 items (100%) in "), "{left}");
    assert_eq!(left.lines().count(), 1, "{left}");
}

#[test]
fn those_of_a_pool_are_seen_at_their_items() {
    let left = watched(2, |options, wait| {
        let wait = Arc::new(wait);
        let mut pool = Pool::new(worker_fn(move |x| wait(x)).times(2));
        assert_eq!(pool.map(0..2).progress_with(options).count(), 2);
    });
    assert_eq!(left.lines().count(), 1, "{left}");
}

#[test]
fn one_on_the_callers_thread_is_seen_at_its_item() {
    let left = watched(1, |options, wait| {
        let wait = Arc::new(wait);
        let mut results = par_map(0..2, 1, move |x| wait(x)).progress_with(options).inline();
        assert_eq!(results.by_ref().take(1).count(), 1);
        // It does nothing while the caller has the result.
        assert_eq!(results.stats().workers[0].state, WorkerState::Waiting);
        assert_eq!(results.by_ref().count(), 1);
        assert_eq!(results.stats().workers[0].state, WorkerState::Idle);
    });
    assert_eq!(left.lines().count(), 1, "{left}");
}
