//! The workers of a run on the screen: a line for each, so that one that is stuck is seen.

use std::cmp::Reverse;
use std::fmt::{self, Write};
use std::mem;
use std::time::Duration;

use console::Style;
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::display::coloured;
use super::status::write_took;
use crate::sync::{Arc, Mutex, lock};
use crate::{WorkerState, WorkerStats};

/// From which age on an item or a build stands out.
const LONG: Duration = Duration::from_secs(10);

/// The most workers that have a line: what a small terminal has room for, with some bars above them.
const MOST: usize = 16;

/// The template's keys, one for each line; the last is that of the workers without one.
const KEYS: [&str; MOST + 1] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"];

/// The lines under a bar. They are one bar of their own, so that all are drawn at once.
pub(super) struct Lines {
    bars: MultiProgress,
    bar: ProgressBar,
    lines: Arc<Mutex<Vec<Line>>>,
}

/// What is said of a worker.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    text: String,
    /// Whether it stands out.
    marked: bool,
}

impl Lines {
    /// Puts the lines under a bar that is one of `bars`.
    pub(super) fn under(bar: &ProgressBar, bars: &MultiProgress) -> Self {
        // Nothing is drawn before the first look, so that a run of a moment has no lines.
        let bar = bars.insert_after(bar, ProgressBar::no_length());
        Self { bars: bars.clone(), bar, lines: Arc::default() }
    }

    /// The bar that they are.
    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    pub(super) fn show(&self, workers: &[WorkerStats]) {
        let lines = lines(workers);
        let shape = |lines: &[Line]| lines.iter().map(|line| line.marked).collect::<Vec<_>>();
        let marks = shape(&lines);
        // The drawing locks them too.
        let before = mem::replace(&mut *lock(&self.lines), lines);
        if shape(&before) != marks {
            self.bar.set_style(self.style(&marks));
        }
        self.bar.tick();
    }

    /// Takes the lines off the screen.
    pub(super) fn clear(self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }

    /// A key for each line, where one for all would do if colours were not to end with the line: a terminal
    /// may have no room for the last ones.
    fn style(&self, marks: &[bool]) -> ProgressStyle {
        let mut template = String::new();
        for (key, marked) in KEYS.iter().zip(marks) {
            let key = format!("{{{key}}}");
            let style = if *marked { Style::new().yellow().bold() } else { Style::new() };
            template.push_str(&format!("{}\n", coloured(style, &key)));
        }
        let style = ProgressStyle::with_template(&template).expect("a template of our own");
        KEYS.iter().enumerate().fold(style, |style, (place, key)| {
            let lines = Arc::clone(&self.lines);
            style.with_key(key, move |_: &ProgressState, out: &mut dyn Write| {
                if let Some(line) = lock(&lines).get(place) {
                    // A tracker has nobody to tell of an error.
                    let _ = out.write_str(&line.text);
                }
            })
        })
    }
}

/// For how long a worker has been at an item or a build; nothing where it is at neither.
fn busy(worker: &WorkerStats) -> Duration {
    match worker.state {
        WorkerState::Building | WorkerState::Working => worker.since,
        WorkerState::Idle | WorkerState::Waiting => Duration::ZERO,
    }
}

/// Those that stand out come first, the longest first, and where not all have a line the slow ones of the
/// rest: by whole seconds, or quick items would have the lines change places at each look.
fn lines(workers: &[WorkerStats]) -> Vec<Line> {
    let rank = |number: usize| {
        let busy = busy(&workers[number]);
        if busy >= LONG {
            busy
        } else if workers.len() > MOST {
            Duration::from_secs(busy.as_secs())
        } else {
            Duration::ZERO
        }
    };
    let mut numbers: Vec<usize> = (0..workers.len()).collect();
    numbers.sort_by_key(|&number| Reverse(rank(number)));
    let width = workers.len().saturating_sub(1).to_string().len();
    let mut lines: Vec<Line> = numbers
        .iter()
        .take(MOST)
        .map(|&number| {
            let worker = &workers[number];
            let marked = busy(worker) >= LONG;
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = write_line(number, width, worker, marked, &mut text);
            Line { text, marked }
        })
        .collect();
    if workers.len() > MOST {
        let text = format!("  … and {} more", workers.len() - MOST);
        lines.push(Line { text, marked: false });
    }
    lines
}

/// `  worker 2  working for 3.2s · 1,204 items · 3 errors`, in columns.
fn write_line(
    number: usize,
    width: usize,
    worker: &WorkerStats,
    marked: bool,
    out: &mut dyn Write,
) -> fmt::Result {
    // The mark is for terminals without colours too.
    let mark = if marked { '!' } else { ' ' };
    let mut doing = String::new();
    write_doing(worker, &mut doing)?;
    write!(out, "{mark} worker {number:<width$}  {doing:<18} · ")?;
    write_count(worker.items, "item", out)?;
    if worker.errors > 0 {
        out.write_str(" · ")?;
        write_count(worker.errors, "error", out)?;
    }
    Ok(())
}

/// `working for 3.2s`.
fn write_doing(worker: &WorkerStats, out: &mut dyn Write) -> fmt::Result {
    write!(out, "{}", worker.state)?;
    // For how long is of no interest then: from before the first item, or after the last one.
    if worker.state == WorkerState::Idle {
        return Ok(());
    }
    out.write_str(" for ")?;
    write_took(worker.since, out)
}

fn write_count(count: usize, what: &str, out: &mut dyn Write) -> fmt::Result {
    let s = if count == 1 { "" } else { "s" };
    write!(out, "{} {what}{s}", HumanCount(count as u64))
}

/// Finds the workers that are long at an item or a build, for a log: each once for that item.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When the item began of which was told last, by worker, as time from the start of the run.
    told: Vec<Option<Duration>>,
}

impl Watch {
    /// What is to be told of workers that are at the same item for `limit`.
    pub(super) fn look(
        &mut self,
        workers: &[WorkerStats],
        elapsed: Duration,
        limit: Duration,
    ) -> Vec<String> {
        self.told.resize(workers.len(), None);
        let mut lines = Vec::new();
        for (number, (worker, told)) in workers.iter().zip(&mut self.told).enumerate() {
            if busy(worker) < limit {
                continue;
            }
            // The clocks of workers and of the bar are read one after the other, so that the two starts of
            // one item differ by a moment; those of two items that are shown by `limit` and more.
            let began = elapsed.saturating_sub(worker.since);
            if told.is_some_and(|told| began.abs_diff(told) < limit / 2) {
                continue;
            }
            *told = Some(began);
            let mut line = format!("worker {number}: ");
            // Writing to a string does not fail.
            let _ = write_doing(worker, &mut line);
            lines.push(line);
        }
        lines
    }
}
