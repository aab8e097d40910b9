//! One run on the screen: its bar, or its lines in the log.

use std::fmt;
use std::io::Write;
use std::time::Duration;
use std::{io, mem};

use console::{Style, StyledObject};
use indicatif::TermLike as _;
use indicatif::style::ProgressTracker;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::ProgressOptions;
use super::canvas::{Canvas, Line, Paint};
use super::pace::Pace;
use super::room::Room;
use super::screen::{Place, Screen};
use super::status::{Phase, Status};
use super::terminal::{Guard, Terminal};
use super::workers::{Lines, Watch};
use crate::Ended;
use crate::WorkerStats;
use crate::sync::{Arc, Mutex, lock};

/// How often a bar is drawn, unless the caller says.
const DRAW_INTERVAL: Duration = Duration::from_millis(100);

/// How often a line is written to a log, unless the caller says.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How often a bar is drawn in a notebook at first, unless the caller says.
const NOTEBOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How the workers of a run are shown.
enum Workers {
    Hidden,
    Lines(Lines),
    /// In the log, when they are long at something.
    Logged(Watch),
}

/// One run on the screen.
///
/// Where nobody sees a bar there is one all the same, hidden: it keeps the position for the lines
/// of the log, and for a caller who gave it and reads it.
pub(super) struct Display {
    bar: ProgressBar,
    /// What the bar shows, for its template's keys.
    status: Arc<Mutex<Status>>,
    log: Option<Box<dyn Write + Send>>,
    workers: Workers,
    /// Room for bars of the workers, where there is any.
    room: Option<Arc<Room>>,
    interval: Duration,
    /// Whether it is drawn less often the longer it goes.
    slowing: bool,
    pace: Pace,
    /// The items of this run that the bar knows of.
    counted: u64,
    /// Whether the bar is the caller's.
    lent: bool,
    leave: Option<bool>,
    /// The terminal that it is on, where that is standard error, and by what that knows of it.
    terminal: Option<(Terminal, Guard)>,
    /// The bars among which it stands, where they are those of this process.
    shared: Option<MultiProgress>,
}

impl Display {
    /// Readies the bar; `None` where there is nothing to show or to keep.
    pub(super) fn open(
        screen: Screen,
        options: ProgressOptions,
        length: Option<u64>,
    ) -> Option<Self> {
        if options.hidden && options.bar.is_none() {
            return None;
        }
        let lent = options.bar.is_some();
        let bar = options.bar.unwrap_or_else(ProgressBar::hidden);
        // A bar of ours is drawn only from here on, with all that was set before.
        let unset = length.filter(|_| bar.length().is_none());
        if let Some(length) = unset {
            bar.set_length(bar.position().saturating_add(options.initial).saturating_add(length));
        }
        if options.initial > 0 {
            bar.inc(options.initial);
            // That jump says nothing of the speed, which a template of the caller's may show.
            bar.reset_eta();
        }
        if let Some(message) = options.message {
            bar.set_message(message);
        }

        let attended = matches!(screen.place, Place::Terminal(_));
        let notebook = matches!(screen.place, Place::Notebook(_));
        let terminal = match screen.place {
            // Also for bars of the caller's: they may be the shared ones, and where not it does nothing.
            Place::Terminal(terminal) if !options.hidden => {
                let guard = terminal.guard();
                Some((terminal, guard))
            }
            _ => None,
        };
        let own = !lent && options.multi.is_none();
        let (bar, bars) = if options.hidden {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            (bar, None)
        } else if !lent || options.multi.is_some() || options.position.is_some() {
            let bars = options.multi.unwrap_or(screen.bars);
            (bars.insert(options.position.unwrap_or(usize::MAX), bar), Some(bars))
        } else {
            (bar, None)
        };

        let status = Arc::new(Mutex::new(Status {
            done: bar.position(),
            total: bar.length(),
            unit: options.unit,
            ..Status::default()
        }));
        let style = match options.style {
            Some(style) => style,
            None if lent => bar.style(),
            None => default_style(bar.length().is_some(), !bar.message().is_empty()),
        };
        bar.set_style(with_keys(style, &status));

        let logged = !options.hidden && !attended && bar.is_hidden();
        let slowing = notebook && !logged && options.interval.is_none();
        let interval =
            options.interval.unwrap_or(if logged { LOG_INTERVAL } else { DRAW_INTERVAL });
        let bars = bars.filter(|bars| !bars.is_hidden());
        let shared = bars.clone().filter(|_| own);
        let workers = match &bars {
            _ if !options.workers => Workers::Hidden,
            _ if logged => Workers::Logged(Watch::default()),
            Some(bars) => Workers::Lines(Lines::under(&bar, bars)),
            None => Workers::Hidden,
        };
        let lowest = if let Workers::Lines(lines) = &workers { lines.bar() } else { &bar };
        let room = bars.map(|bars| Arc::new(Room::under(lowest.clone(), bars)));
        Some(Self {
            bar,
            status,
            log: logged.then_some(screen.log),
            workers,
            room,
            interval: interval.max(Duration::from_millis(1)),
            slowing,
            pace: Pace::default(),
            counted: 0,
            lent,
            leave: options.leave,
            terminal,
            shared,
        })
    }

    pub(super) fn interval(&self) -> Duration {
        if self.slowing {
            // Where every drawing stays, a long run has no more of them than lines in a log.
            return (lock(&self.status).elapsed / 10).clamp(NOTEBOOK_INTERVAL, LOG_INTERVAL);
        }
        self.interval
    }

    pub(super) fn room(&self) -> Option<&Arc<Room>> {
        self.room.as_ref()
    }

    /// Shows a run that has done nothing yet. A log has nothing to tell of that.
    pub(super) fn begin(&self) {
        if self.log.is_none() {
            self.bar.tick();
        }
    }

    /// Whether [`show_workers`](Display::show_workers) has anything to show.
    pub(super) fn shows_workers(&self) -> bool {
        !matches!(self.workers, Workers::Hidden)
    }

    /// Shows what the workers do. Before [`refresh`](Display::refresh), which draws all bars at once.
    pub(super) fn show_workers(&mut self, workers: &[WorkerStats], elapsed: Duration) {
        match &mut self.workers {
            Workers::Hidden => {}
            Workers::Lines(lines) => lines.show(workers),
            Workers::Logged(watch) => {
                for line in watch.look(workers, elapsed, self.interval) {
                    self.write_line(|out| out.write_str(&line));
                }
            }
        }
    }

    /// Shows how far the run is, with items, errors and time counted from its start; `ending` where nothing
    /// more is pulled, with what is waited for.
    pub(super) fn refresh(
        &mut self,
        items: u64,
        errors: u64,
        elapsed: Duration,
        ending: Option<String>,
    ) {
        let phase = if ending.is_some() { Phase::Ending } else { Phase::Going };
        lock(&self.status).waits = ending.unwrap_or_default();
        self.advance(items, errors, elapsed, phase);
        self.write_log();
    }

    /// Shows how far the run came.
    pub(super) fn end(&mut self, items: u64, errors: u64, elapsed: Duration, ended: Ended) {
        self.advance(items, errors, elapsed, Phase::Ended(ended));
        if let Some(room) = &self.room {
            room.close();
        }
        if let Workers::Lines(lines) = mem::replace(&mut self.workers, Workers::Hidden) {
            lines.clear();
        }
        self.write_log();
        match (&self.terminal, &self.shared) {
            (Some((terminal, _)), Some(bars)) => self.print_last(terminal, bars),
            _ => self.finish_bar(ended),
        }
        self.release();
    }

    /// Takes the bar off the terminal, and prints what it showed last where it is to stay: it is drawn no
    /// more then, and nothing that is printed after it is cleared with it.
    fn print_last(&self, terminal: &Terminal, bars: &MultiProgress) {
        let position = self.bar.position();
        self.bar.finish_and_clear();
        bars.remove(&self.bar);
        if self.leave != Some(false) {
            // `finish_and_clear` has moved it to its end.
            self.bar.set_position(position);
            // A terminal that is gone is no reason to end the run.
            let _ = terminal.print(last_lines(&self.bar, terminal.width()).as_bytes());
        }
    }

    fn finish_bar(&self, ended: Ended) {
        let complete = ended == Ended::Complete;
        let short = self.bar.length().is_some_and(|length| self.bar.position() < length);
        if self.lent && complete && short {
            // The bar counts more than this run: the caller goes on with it.
            return;
        }
        match self.leave {
            None if self.lent && complete => self.bar.finish_using_style(),
            // Not `finish`, which moves the bar to its end whether the run came there or not.
            None | Some(true) => self.bar.abandon(),
            Some(false) => self.bar.finish_and_clear(),
        }
    }

    /// Leaves the terminal to others.
    pub(super) fn release(&mut self) {
        self.terminal = None;
    }

    fn advance(&mut self, items: u64, errors: u64, elapsed: Duration, phase: Phase) {
        let ended = matches!(phase, Phase::Ended(_));
        self.pace.record(items, elapsed);
        let added = items - self.counted;
        self.counted = items;
        let (position, total) = (self.bar.position(), self.bar.length());
        {
            let mut status = lock(&self.status);
            status.done = position.saturating_add(added);
            status.total = total;
            status.errors = errors;
            status.elapsed = elapsed;
            status.phase = phase;
            status.rate = if ended { self.pace.overall() } else { self.pace.rate() };
            let remaining = total.map(|total| total.saturating_sub(status.done));
            let remaining = remaining.filter(|&remaining| remaining > 0 && phase == Phase::Going);
            status.left = remaining.and_then(|remaining| self.pace.left(remaining));
        }
        // Adding, where setting the position would undo what others add to a bar of the caller's.
        // It draws too: the status has to be there before.
        self.bar.inc(added);
    }

    /// Writes how far the run is.
    fn write_log(&mut self) {
        let status = Arc::clone(&self.status);
        self.write_line(|out| {
            let status = lock(&status);
            status.progress(out)?;
            status.errors(out)
        });
    }

    /// Writes a line by one call, so that lines of several writers do not mix.
    fn write_line(&mut self, what: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
        let Some(log) = &mut self.log else { return };
        let mut line = String::new();
        for title in [self.bar.prefix(), self.bar.message()] {
            if !title.is_empty() {
                line.push_str(&title);
                line.push_str(": ");
            }
        }
        // Writing to a string does not fail.
        let _ = what(&mut line);
        let mut line = line.replace(char::is_control, " ");
        line.push('\n');
        // A closed log is no reason to end the run.
        let _ = log.write_all(line.as_bytes()).and_then(|()| log.flush());
    }
}

fn default_style(sized: bool, titled: bool) -> ProgressStyle {
    let title = if titled { "{msg} " } else { "" };
    let bar = coloured(Style::new().cyan(), if sized { "{wide_bar}" } else { "{spinner}" });
    let errors = coloured(Style::new().red(), "{errors}");
    ProgressStyle::with_template(&format!("{title}{bar} {{progress}}{errors}"))
        .expect("a template of our own")
        // The last stands there once the run has ended.
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏•")
        .progress_chars("━╸─")
}

/// A part of a template in colour, where standard error has any: indicatif looks at standard output, but for
/// a terminal of its own.
pub(super) fn coloured(style: Style, part: &str) -> StyledObject<&str> {
    style.for_stderr().apply_to(part)
}

/// What a bar that is on no screen shows last, as lines.
fn last_lines(bar: &ProgressBar, width: u16) -> String {
    let paper = Canvas::new(Paper { width, lines: Vec::new() });
    bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
    bar.abandon();
    paper.with(|paper| paper.lines.iter().map(|line| format!("{}\n", line.text)).collect())
}

/// Keeps what is drawn last.
#[derive(Debug)]
struct Paper {
    width: u16,
    lines: Vec<Line>,
}

impl Paint for Paper {
    fn size(&self) -> (u16, u16) {
        (self.width, u16::MAX)
    }

    fn paint(&mut self, lines: Vec<Line>, _: usize) -> io::Result<()> {
        self.lines = lines;
        Ok(())
    }
}

/// Adds the keys that [`ProgressOptions::style`] promises.
fn with_keys(style: ProgressStyle, status: &Arc<Mutex<Status>>) -> ProgressStyle {
    style
        .with_key("progress", key(status, Status::progress))
        .with_key("items", key(status, Status::items))
        .with_key("rate", key(status, Status::rate))
        .with_key("left", key(status, Status::left))
        .with_key("errors", key(status, Status::errors))
}

fn key(
    status: &Arc<Mutex<Status>>,
    write: fn(&Status, &mut dyn fmt::Write) -> fmt::Result,
) -> impl ProgressTracker + use<> {
    let status = Arc::clone(status);
    move |_: &ProgressState, out: &mut dyn fmt::Write| {
        // A tracker has nobody to tell of an error.
        let _ = write(&lock(&status), out);
    }
}
