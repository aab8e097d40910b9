//! Bars in a notebook, or at the prompt, of evcxr.
//!
//! evcxr runs a cell in a child process and passes its standard error on line by line: what has no
//! line feed yet is not seen, so that a bar cannot be drawn as on a terminal, by a carriage return
//! before a line that never ends. Here every line of a drawing ends, and the next drawing begins
//! one line up for each that it replaces.

use std::io::{self, Write};
use std::{env, fmt};

use indicatif::ProgressDrawTarget;

use super::canvas::{Canvas, Line, Paint};

/// Narrower than the output of a notebook, and than most terminals.
const WIDTH: u16 = 80;

/// As many as indicatif takes a terminal to have, unless it says otherwise.
const HEIGHT: u16 = 20;

/// How often a second it is drawn at the most, but for what has to be seen, such as the end.
const MOST_DRAWINGS: u8 = 2;

/// Moves the cursor up by a line.
const UP: &str = "\x1b[A";

/// Clears the screen from the cursor on.
const CLEAR_BELOW: &str = "\x1b[J";

/// Whether this process runs the cells of evcxr, which says so to its child.
pub(super) fn is_here() -> bool {
    env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// What is passed on line by line.
pub(super) type Notebook = Canvas<Output>;

/// The output of a cell.
pub(super) struct Output {
    out: Box<dyn Write + Send>,
    /// The last drawing.
    drawn: String,
    /// Something was printed below it since.
    printed: bool,
}

impl Notebook {
    pub(super) fn on(out: impl Write + Send + 'static) -> Self {
        Self::new(Output { out: Box::new(out), drawn: String::new(), printed: false })
    }

    pub(super) fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::new(self.clone()), MOST_DRAWINGS)
    }

    /// Prints whole lines below what was drawn, which stays.
    pub(super) fn print(&self, text: &[u8]) -> io::Result<()> {
        self.with(|output| {
            output.printed = true;
            output.write(text)
        })
    }
}

impl Output {
    /// By one call, so that lines of several writers do not mix.
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)?;
        self.out.flush()
    }
}

impl Paint for Output {
    fn size(&self) -> (u16, u16) {
        (WIDTH, HEIGHT)
    }

    fn paint(&mut self, lines: Vec<Line>, replaced: usize) -> io::Result<()> {
        // The filling stays, since it hides the rest of a longer row.
        let rows: String =
            lines.into_iter().map(|Line { text, filling }| text + &filling + "\n").collect();
        // Without a row there is no line to send the clearing with: what was drawn stays, as it
        // does in a log. And the same once more would only add to the lines of a notebook that
        // keeps them all.
        let same = self.drawn.lines().rev().take(replaced).eq(rows.lines().rev());
        if rows.is_empty() || same {
            return Ok(());
        }
        let up = if self.printed { 0 } else { replaced };
        self.printed = false;
        let mut drawing = UP.repeat(up);
        if up > 0 {
            // For VS Code, to which the step up only removes a line feed.
            drawing.push('\r');
        }
        if up > rows.lines().count() {
            drawing.push_str(CLEAR_BELOW);
        }
        drawing.push_str(&rows);
        self.drawn = rows;
        self.write(drawing.as_bytes())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("drawn", &self.drawn)
            .field("printed", &self.printed)
            .finish_non_exhaustive()
    }
}
