//! Where progress is shown: the bars of a terminal or a notebook, and a log elsewhere.

use std::io::{self, Write};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget};

use super::notebook::{self, Notebook};
use super::terminal::Terminal;
use crate::sync::LazyLock;

/// Standard error, and the bars of this process that the caller gave no place of their own.
///
/// Two runs may be shown at once, one the source of the other: apart, they would overwrite each
/// other.
static STDERR: LazyLock<(Place, MultiProgress)> = LazyLock::new(|| {
    let place = Place::stderr();
    let bars = MultiProgress::with_draw_target(match &place {
        Place::Terminal(terminal) => terminal.target(),
        Place::Notebook(notebook) => notebook.target(),
        Place::Log => ProgressDrawTarget::hidden(),
    });
    (place, bars)
});

/// What standard error is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Someone sees a bar there. One that is hidden was hidden on purpose.
    Terminal(Terminal),
    /// It may keep every drawing of a bar. indicatif hides those of the caller's there.
    Notebook(Notebook),
    /// indicatif hides every bar.
    Log,
}

impl Place {
    fn stderr() -> Self {
        if !ProgressDrawTarget::stderr().is_hidden() {
            let term = Term::stderr();
            let size = move || {
                let (rows, columns) = term.size();
                (columns, rows)
            };
            Self::Terminal(Terminal::on(raw_stderr(), size))
        } else if notebook::is_here() {
            Self::Notebook(Notebook::on(io::stderr()))
        } else {
            Self::Log
        }
    }

    /// Prints whole lines where they stay.
    pub(super) fn print(&self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.print(text),
            Self::Notebook(notebook) => notebook.print(text),
            Self::Log => io::stderr().write_all(text),
        }
    }
}

/// Standard error without the lock of `std`: a consumer that holds it while it waits for the end of its run
/// would wait for a drawing that waits for the lock.
fn raw_stderr() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    if let Ok(stderr) = std::os::fd::AsFd::as_fd(&io::stderr()).try_clone_to_owned() {
        return Box::new(std::fs::File::from(stderr));
    }
    Box::new(io::stderr())
}

pub(super) fn shared_bars() -> MultiProgress {
    STDERR.1.clone()
}

pub(super) fn print(text: &[u8]) -> io::Result<()> {
    STDERR.0.print(text)
}

/// Where the bars and the lines of a run go.
pub(super) struct Screen {
    pub(super) place: Place,
    /// For bars without a place of their own.
    pub(super) bars: MultiProgress,
    pub(super) log: Box<dyn Write + Send>,
}

impl Screen {
    /// Standard error, for bars as well as for lines.
    pub(super) fn stderr() -> Self {
        let (place, bars) = STDERR.clone();
        Self { place, bars, log: raw_stderr() }
    }
}
