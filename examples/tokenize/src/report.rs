//! What is said on standard error: a bar or plain lines, messages between them, a summary.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use crate::input;

/// How often the bar's numbers change.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a plain line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// The bar's length: what is done is a share, of bytes or of documents.
const WHOLE: u64 = 1_000_000;

/// Counts of a run, or of the runs before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) documents: u64,
    pub(crate) tokens: u64,
    pub(crate) errors: u64,
}

/// How the end of the work can be told.
pub(crate) struct Extent {
    /// How much of the input is read.
    pub(crate) read: Arc<AtomicU64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) limit: Option<u64>,
}

pub(crate) struct Report {
    bar: ProgressBar,
    /// Whether there is a bar; else there are lines.
    live: bool,
    extent: Extent,
    /// The share that was done when the run started.
    start: f64,
    started: Instant,
    next: Instant,
    earlier: Counts,
    now: Counts,
}

impl Report {
    /// `quiet` leaves out the bar: where rows go to the same terminal, they would mix.
    pub(crate) fn start(earlier: Counts, extent: Extent, quiet: bool) -> Self {
        let live = io::stderr().is_terminal() && !quiet;
        let sized = extent.bytes.is_some() || extent.limit.is_some();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(sized.then_some(WHOLE), target);
        bar.set_style(style(sized));
        if live {
            bar.enable_steady_tick(REDRAW);
        }
        let started = Instant::now();
        let next = started + if live { Duration::ZERO } else { LINE };
        let now = Counts::default();
        let mut report = Self { bar, live, extent, start: 0.0, started, next, earlier, now };
        report.start = report.share().unwrap_or(0.0);
        report.bar.set_position((report.start * WHOLE as f64) as u64);
        report.bar.reset_eta();
        report
    }

    pub(crate) fn row(&mut self, tokens: usize) {
        self.now.documents += 1;
        self.now.tokens += tokens as u64;
        self.tick();
    }

    /// Counts an error and says what it was.
    pub(crate) fn error(&mut self, message: &str) {
        self.now.errors += 1;
        self.say(message);
        self.tick();
    }

    /// Counts errors that nothing more is known of.
    pub(crate) fn more_errors(&mut self, more: usize) {
        if more > 0 {
            self.now.errors += more as u64;
            self.say(&format!("and {} more errors", HumanCount(more as u64)));
        }
    }

    pub(crate) fn errors(&self) -> u64 {
        self.earlier.errors + self.now.errors
    }

    /// Writes a line, above the bar where there is one.
    pub(crate) fn say(&self, message: &str) {
        self.bar.suspend(|| say(message));
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + if self.live { REDRAW } else { LINE };
        let share = self.share();
        if self.live {
            if let Some(share) = share {
                self.bar.set_position((share * WHOLE as f64) as u64);
            }
            self.bar.set_message(self.numbers());
        } else {
            let left = share.filter(|&share| share > self.start).map(|share| {
                let spent = self.started.elapsed().as_secs_f64();
                spent * (1.0 - share) / (share - self.start)
            });
            let left = left.map_or("time left unknown".to_owned(), |seconds| {
                format!("{} left", HumanDuration(Duration::from_secs_f64(seconds)))
            });
            say(&format!("{}, {left}", self.numbers()));
        }
    }

    /// Documents, tokens a second, errors.
    fn numbers(&self) -> String {
        let documents = self.earlier.documents + self.now.documents;
        format!(
            "{} documents, {} tokens/s, {} errors",
            HumanCount(documents),
            HumanCount(self.a_second(self.now.tokens)),
            HumanCount(self.errors())
        )
    }

    fn a_second(&self, count: u64) -> u64 {
        (count as f64 / self.started.elapsed().as_secs_f64().max(1e-6)) as u64
    }

    /// How much is done, from 0 to 1: of the bytes, or of the limit if that is nearer.
    fn share(&self) -> Option<f64> {
        let part = |of: Option<u64>, done: u64| {
            of.map(|of| if of == 0 { 1.0 } else { (done as f64 / of as f64).min(1.0) })
        };
        let Counts { documents, errors, .. } = self.now;
        let all = self.earlier.documents + self.earlier.errors + documents + errors;
        let bytes = part(self.extent.bytes, input::load(&self.extent.read));
        let limit = part(self.extent.limit, all);
        bytes.into_iter().chain(limit).reduce(f64::max)
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The last lines: what was done, and where it is.
    pub(crate) fn summary(&self, output: &str, bytes: Option<u64>) {
        let seconds = self.started.elapsed().as_secs_f64();
        let Counts { documents, tokens, .. } = self.earlier;
        let resumed = if documents > 0 {
            format!(" ({} of them in an earlier run)", HumanCount(documents))
        } else {
            String::new()
        };
        say(&format!(
            "{} documents{resumed}, {} tokens, {} errors in {seconds:.1} s: {} documents/s, {} tokens/s",
            HumanCount(documents + self.now.documents),
            HumanCount(tokens + self.now.tokens),
            HumanCount(self.errors()),
            HumanCount(self.a_second(self.now.documents)),
            HumanCount(self.a_second(self.now.tokens)),
        ));
        match bytes {
            Some(bytes) => say(&format!("wrote {output}, {}", HumanBytes(bytes))),
            None => say(&format!("wrote to {output}")),
        }
    }
}

fn style(sized: bool) -> ProgressStyle {
    let template = if sized {
        "{bar:24} {percent:>3}%  {msg}, {eta} left"
    } else {
        "{spinner} {elapsed}  {msg}, time left unknown"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes a line to standard error; where that is closed there is nobody to tell.
pub(crate) fn say(message: &str) {
    let _ = writeln!(io::stderr(), "tokenize: {message}");
}
