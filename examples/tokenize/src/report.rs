//! What is said on standard error: a bar or plain lines, messages between them, a summary.

mod messages;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use crate::files::InputFile;
use crate::input::Feed;
use messages::Messages;

/// How often the bar is drawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a plain line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// The bar's length: what is done is a share, of bytes or of documents.
const WHOLE: f64 = 1_000_000.0;

/// Counts of a run, or of the runs before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) documents: u64,
    pub(crate) tokens: u64,
    pub(crate) errors: u64,
}

/// How the end of the work can be told.
#[derive(Debug)]
pub(crate) struct Extent {
    /// How much of the input is read.
    pub(crate) feed: Arc<Feed>,
    pub(crate) bytes: Option<u64>,
    pub(crate) limit: Option<u64>,
}

/// Counts what passes, and has it shown by a thread of its own: a run that stalls is shown too.
pub(crate) struct Report {
    progress: Arc<Progress>,
    messages: Messages,
    /// Ends the thread by being dropped.
    stop: Option<mpsc::Sender<()>>,
    shown_by: Option<JoinHandle<()>>,
}

struct Progress {
    bar: ProgressBar,
    extent: Extent,
    /// The share that was done when the run started.
    start: f64,
    started: Instant,
    earlier: Counts,
    documents: AtomicU64,
    tokens: AtomicU64,
    errors: AtomicU64,
}

impl Report {
    /// `quiet` leaves out the bar: where rows go to the same terminal, they would mix.
    /// `deferred` keeps the errors for the end.
    pub(crate) fn start(earlier: Counts, extent: Extent, quiet: bool, deferred: bool) -> Self {
        let live = io::stderr().is_terminal() && !quiet;
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let sized = extent.bytes.is_some() || extent.limit.is_some();
        let bar = ProgressBar::with_draw_target(sized.then_some(WHOLE as u64), target);
        bar.set_style(style(sized));
        let mut progress = Progress::new(bar, earlier, extent);
        progress.start = progress.share().unwrap_or(0.0);
        progress.bar.set_position((progress.start * WHOLE) as u64);
        progress.bar.reset_eta();
        let progress = Arc::new(progress);
        let (stop, stopped) = mpsc::channel();
        let shown = Arc::clone(&progress);
        let show = move || {
            let interval = if live { REDRAW } else { LINE };
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                if live { shown.draw() } else { say(&shown.line()) }
            }
        };
        let messages = if deferred { Messages::deferred() } else { Messages::default() };
        Self { progress, messages, stop: Some(stop), shown_by: Some(thread::spawn(show)) }
    }

    pub(crate) fn row(&self, tokens: usize) {
        self.progress.documents.fetch_add(1, Ordering::Relaxed);
        self.progress.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
    }

    /// Counts an error and says what it was, unless enough has been said of its file.
    pub(crate) fn error(&mut self, file: Option<&InputFile>, message: String) {
        self.progress.errors.fetch_add(1, Ordering::Relaxed);
        let name = file.map(InputFile::name);
        let file = file.map(|file| file.index).zip(name.as_deref());
        if let Some(message) = self.messages.take(file, message) {
            self.say(&message);
        }
    }

    /// Writes a line, above the bar where there is one.
    fn say(&self, message: &str) {
        self.progress.bar.suspend(|| say(message));
    }

    /// Takes the bar away, and says what is left to say of errors.
    pub(crate) fn end(&mut self) {
        self.stop = None;
        if let Some(shown_by) = self.shown_by.take() {
            // It only shows: a panic of its own has been written already.
            let _ = shown_by.join();
        }
        self.progress.bar.finish_and_clear();
        for line in self.messages.rest() {
            say(&line);
        }
    }

    pub(crate) fn errors(&self) -> u64 {
        self.progress.all().errors
    }

    /// The last lines: what was done, and where it is.
    pub(crate) fn summary(&self, output: &str, bytes: Option<u64>) {
        let Progress { started, earlier, .. } = &*self.progress;
        let Counts { documents, tokens, errors } = self.progress.all();
        let resumed = if earlier.documents > 0 {
            format!(" ({} of them in an earlier run)", HumanCount(earlier.documents))
        } else {
            String::new()
        };
        say(&format!(
            "{} documents{resumed}, {} tokens, {} errors in {:.1} s: {} documents/s, {} tokens/s",
            HumanCount(documents),
            HumanCount(tokens),
            HumanCount(errors),
            started.elapsed().as_secs_f64(),
            HumanCount(self.progress.a_second(documents - earlier.documents)),
            HumanCount(self.progress.a_second(tokens - earlier.tokens)),
        ));
        match bytes {
            Some(bytes) => say(&format!("wrote {output}, {}", HumanBytes(bytes))),
            None => say(&format!("wrote to {output}")),
        }
    }
}

impl Drop for Report {
    /// The terminal is left clean whatever ends the run.
    fn drop(&mut self) {
        self.end();
    }
}

impl Progress {
    fn new(bar: ProgressBar, earlier: Counts, extent: Extent) -> Self {
        Self {
            bar,
            extent,
            start: 0.0,
            started: Instant::now(),
            earlier,
            documents: AtomicU64::new(earlier.documents),
            tokens: AtomicU64::new(earlier.tokens),
            errors: AtomicU64::new(earlier.errors),
        }
    }

    /// What is counted, in this run and before it.
    fn all(&self) -> Counts {
        Counts {
            documents: self.documents.load(Ordering::Relaxed),
            tokens: self.tokens.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    fn draw(&self) {
        if let Some(share) = self.share() {
            self.bar.set_position((share * WHOLE) as u64);
        }
        self.bar.set_message(self.numbers());
        self.bar.tick();
    }

    /// What stands for the bar where there is none.
    fn line(&self) -> String {
        match self.share().filter(|&share| share > self.start) {
            Some(share) => {
                let spent = self.started.elapsed().as_secs_f64();
                let left = spent * (1.0 - share) / (share - self.start);
                format!("{}, {} left", self.numbers(), HumanDuration(Duration::from_secs_f64(left)))
            }
            None => format!("{}, time left unknown", self.numbers()),
        }
    }

    /// Documents, tokens a second, errors.
    fn numbers(&self) -> String {
        let Counts { documents, tokens, errors } = self.all();
        format!(
            "{} documents, {} tokens/s, {} errors",
            HumanCount(documents),
            HumanCount(self.a_second(tokens - self.earlier.tokens)),
            HumanCount(errors)
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
        let Counts { documents, errors, .. } = self.all();
        let bytes = part(self.extent.bytes, self.extent.feed.bytes_read());
        let limit = part(self.extent.limit, documents + errors);
        bytes.into_iter().chain(limit).reduce(f64::max)
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
    let _ = writeln!(io::stderr(), "tokenize: {}", shown(message));
}

/// A message as one line that changes nothing on a terminal: it may quote names and text that were
/// made to.
fn shown(message: &str) -> Cow<'_, str> {
    // The second are those that reorder the text around them.
    let is_unsafe = |char: char| {
        char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !message.contains(is_unsafe) {
        return message.into();
    }
    let escaped = |char: char| {
        if is_unsafe(char) { char.escape_default().to_string() } else { char.to_string() }
    };
    message.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(earlier: Counts, read: u64, bytes: Option<u64>, limit: Option<u64>) -> Progress {
        let extent = Extent { feed: Arc::new(Feed::at(read)), bytes, limit };
        Progress::new(ProgressBar::hidden(), earlier, extent)
    }

    #[test]
    fn what_is_done_is_a_share_of_the_bytes_or_of_the_limit() {
        let done = Counts { documents: 6, tokens: 60, errors: 4 };
        assert_eq!(progress(done, 30, Some(120), None).share(), Some(0.25));
        assert_eq!(progress(done, 30, Some(120), Some(20)).share(), Some(0.5));
        assert_eq!(progress(done, 30, None, Some(100)).share(), Some(0.1));
        assert_eq!(progress(done, 30, None, None).share(), None);
        assert_eq!(progress(done, 0, Some(0), None).share(), Some(1.0));
    }

    #[test]
    fn a_message_cannot_steer_the_terminal() {
        assert_eq!(shown("caf\u{e9}: it's \"fine\""), "caf\u{e9}: it's \"fine\"");
        assert_eq!(shown("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\\nc\\td");
        assert_eq!(shown("\u{9b}2J\u{202e}\u{7f}"), "\\u{9b}2J\\u{202e}\\u{7f}");
    }

    #[test]
    fn the_time_left_follows_from_what_this_run_did() {
        let mut progress = progress(Counts::default(), 75, Some(100), None);
        // Half was there at the start: a quarter took a minute, and a quarter is left.
        progress.start = 0.5;
        progress.started -= Duration::from_secs(60);
        progress.documents.fetch_add(1_200, Ordering::Relaxed);
        progress.tokens.fetch_add(6_030, Ordering::Relaxed);
        assert_eq!(progress.line(), "1,200 documents, 100 tokens/s, 0 errors, 60 seconds left");
        progress.extent.bytes = None;
        assert!(progress.line().ends_with(", time left unknown"));
    }
}
