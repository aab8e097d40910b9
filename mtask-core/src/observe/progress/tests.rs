//! What is on the screen, and what in the log.

mod bars;
mod items;
mod log;
mod notebook;
mod printed;
mod runs;
mod terminal;
mod workers;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{InMemoryTerm, MultiProgress, ProgressDrawTarget, TermLike};

use super::screen::{Place, Screen};
use super::terminal::Terminal;
use crate::sync::{Arc, Mutex, lock};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn soon(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < seconds(20), "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn draw_to(term: &InMemoryTerm) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like(Box::new(term.clone()))
}

/// What writes to a terminal as a program does.
struct Output(InMemoryTerm);

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(buffer).expect("text");
        // As the line discipline of a terminal does.
        self.0.write_str(&text.replace("\r\n", "\n").replace('\n', "\r\n"))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A screen on a terminal. A log is not looked for there.
fn screen_on(term: &InMemoryTerm) -> Screen {
    let size = term.clone();
    let terminal = Terminal::on(Output(term.clone()), move || (size.width(), size.height()));
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let bars = MultiProgress::with_draw_target(target);
    Screen { place: Place::Terminal(terminal), bars, log: Box::new(NoLog) }
}

/// A terminal that someone looks at.
fn terminal() -> (InMemoryTerm, Screen) {
    let term = InMemoryTerm::new(8, 80);
    let screen = screen_on(&term);
    (term, screen)
}

/// What is on a terminal, but for the rows that are kept free above the bars.
fn shown(term: &InMemoryTerm) -> String {
    let contents = term.contents();
    contents.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Standard error redirected to a file.
fn redirected() -> (Log, Screen) {
    let log = Log::default();
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    (log.clone(), Screen { place: Place::Log, bars, log: Box::new(log) })
}

/// The writes of a log, one by one.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn writes(&self) -> Vec<String> {
        lock(&self.0).clone()
    }

    /// True where the display that writes here is gone.
    fn is_released(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl Write for Log {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        lock(&self.0).push(String::from_utf8(buffer.to_vec()).expect("text"));
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct NoLog;

impl Write for NoLog {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        panic!("logged to a terminal: {}", String::from_utf8_lossy(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
