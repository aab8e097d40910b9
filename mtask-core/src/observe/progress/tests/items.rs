//! The bars of items.

use std::time::Duration;

use indicatif::{InMemoryTerm, MultiProgress, ProgressStyle, TermLike};

use super::{draw_to, redirected, seconds, shown, soon, terminal};
use crate::Ended;
use crate::item_bar::{BarPlace, ItemBar};
use crate::observe::progress::ProgressOptions;
use crate::observe::progress::display::Display;
use crate::sync::{Arc, AtomicBool, Ordering};
use crate::{Context, Spec, Worker, WorkerState, WorkerStats, par_stateful};

fn open() -> (InMemoryTerm, Display) {
    let (term, screen) = terminal();
    let style = ProgressStyle::with_template("{msg} {items}").unwrap();
    let options = ProgressOptions::new("read").style(style).workers(true);
    let display = Display::open(screen, options, Some(10)).expect("shown");
    display.begin();
    (term, display)
}

fn working() -> WorkerStats {
    WorkerStats { state: WorkerState::Working, ..WorkerStats::default() }
}

/// Where a display shows bars of workers.
fn place(display: &Display) -> Option<Arc<dyn BarPlace>> {
    display.room().map(|room| Arc::clone(room) as Arc<dyn BarPlace>)
}

#[test]
fn it_stands_below_the_workers_until_it_is_dropped() {
    let (term, mut display) = open();
    display.show_workers(&[working()], seconds(1));
    let bar = ItemBar::new(place(&display), 3, 40);
    bar.inc(10);
    bar.set_message("pages");
    let clone = bar.clone();
    let head = "read 0/10 items (0%)\n  worker 0  working for 0.0s   · 0 items";
    let own = format!("  worker 3 {}╸{} 10/40 pages", "━".repeat(14), "─".repeat(42));
    assert_eq!(shown(&term), format!("{head}\n{own}"));

    drop(bar);
    display.show_workers(&[working()], seconds(1));
    assert_eq!(shown(&term), head);
    // What is left of it draws no more.
    clone.inc(1);
    assert_eq!(shown(&term), head);
    display.end(10, 0, seconds(1), Ended::Complete);
    drop(display);
    term.write_str("after").unwrap();
    assert_eq!(shown(&term), "read 10/10 items (100%)\nafter");
}

#[test]
fn one_that_outlives_its_run_goes_too() {
    let (term, mut display) = open();
    let bar = ItemBar::new(place(&display), 0, 40);
    bar.inc(10);
    let room = Arc::clone(display.room().expect("a terminal"));
    display.end(3, 0, seconds(1), Ended::Stopped);
    drop(display);
    bar.inc(1);
    assert_eq!(shown(&term).lines().count(), 2);
    drop(bar);
    assert_eq!(shown(&term), "read 3/10 items (30%)");
    assert!(ItemBar::new(Some(room), 0, 40).is_hidden(), "there is no room any more");
}

#[test]
fn it_is_hidden_where_the_runs_own_bar_is() {
    let (log, screen) = redirected();
    let display = Display::open(screen, "read".into(), None).expect("logged");
    let bar = ItemBar::new(place(&display), 0, 40);
    bar.inc(10);
    assert!(bar.is_hidden());
    assert_eq!(bar.position(), 10);
    assert_eq!(log.writes(), Vec::<String>::new());
    let outside = Context::detached().bar(40);
    assert!(outside.is_hidden());
}

#[test]
fn a_worker_may_ask_for_it() {
    struct Pages(Arc<AtomicBool>);

    impl Worker for Pages {
        type Input = u32;
        type Output = bool;

        fn call(&mut self, input: u32) -> bool {
            self.call_with(input, &Context::detached())
        }

        fn call_with(&mut self, _: u32, context: &Context<'_>) -> bool {
            let bar = context.bar(3);
            bar.inc(2);
            while !self.0.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            bar.is_hidden()
        }
    }

    #[derive(Clone)]
    struct Made(Arc<AtomicBool>);

    impl Spec<Pages> for Made {
        fn build(&self) -> Result<Pages, crate::BuildError> {
            Ok(Pages(Arc::clone(&self.0)))
        }
    }

    let term = InMemoryTerm::new(8, 80);
    let bars = MultiProgress::with_draw_target(draw_to(&term));
    let options = ProgressOptions::new("read").multi(&bars);
    let go_on = Arc::new(AtomicBool::new(false));
    let specs = Made(Arc::clone(&go_on)).times(2);
    let run = par_stateful(0..2, specs).progress_with(options);
    let consumer = std::thread::spawn(move || run.flatten().filter(|&hidden| hidden).count());
    for number in 0..2 {
        soon("the bar", || shown(&term).contains(&format!("\n  worker {number} ━━")));
    }
    go_on.store(true, Ordering::Relaxed);
    assert_eq!(consumer.join().unwrap(), 0);
    assert_eq!(shown(&term).lines().count(), 1, "{}", shown(&term));
}
