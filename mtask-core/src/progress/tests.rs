//! What is on the screen, and what in the log.

mod bars;
mod items;
mod log;
mod notebook;
mod runs;
mod terminal;
mod workers;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{InMemoryTerm, MultiProgress, ProgressDrawTarget};

use super::screen::Screen;
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

/// A terminal that someone looks at. A log is not looked for there.
fn terminal() -> (InMemoryTerm, Screen) {
    let term = InMemoryTerm::new(8, 80);
    let bars = MultiProgress::with_draw_target(draw_to(&term));
    (term, Screen { bars, attended: true, notebook: false, log: Box::new(NoLog) })
}

/// Standard error redirected to a file.
fn redirected() -> (Log, Screen) {
    let log = Log::default();
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    (log.clone(), Screen { bars, attended: false, notebook: false, log: Box::new(log) })
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
