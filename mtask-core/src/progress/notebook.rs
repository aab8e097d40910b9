//! Bars in a notebook, or at the prompt, of evcxr.
//!
//! evcxr runs a cell in a child process and passes its standard error on line by line: what has no
//! line feed yet is not seen, so that a bar cannot be drawn as on a terminal, by a carriage return
//! before a line that never ends. Here every line of a drawing ends, and the next drawing begins
//! one line up for each that it replaces.

use std::fmt::Debug;
use std::io::{self, Write};
use std::{env, mem};

use indicatif::{ProgressDrawTarget, TermLike};

use crate::sync::{Mutex, lock};

/// Narrower than the output of a notebook, and than most terminals.
const WIDTH: usize = 80;

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

/// Draws into what is passed on line by line.
pub(super) fn draw_to(out: impl Write + Send + Debug + 'static) -> ProgressDrawTarget {
    let drawing = Mutex::new(Drawing {
        out,
        row: String::new(),
        rows: String::new(),
        replaced: 0,
        drawn: String::new(),
    });
    ProgressDrawTarget::term_like_with_hz(Box::new(Notebook(drawing)), MOST_DRAWINGS)
}

/// As much of a terminal as indicatif asks for.
///
/// Its cursor does not move: what indicatif says of it follows from the lines that it clears.
#[derive(Debug)]
struct Notebook<T>(Mutex<Drawing<T>>);

#[derive(Debug)]
struct Drawing<T> {
    out: T,
    /// The row that is not full yet.
    row: String,
    /// The rows before it, each with its line feed.
    rows: String,
    /// How many rows of the last drawing these replace.
    replaced: usize,
    /// The last drawing.
    drawn: String,
}

impl<T: Write> Drawing<T> {
    fn end_row(&mut self) {
        self.rows.push_str(&self.row);
        self.rows.push('\n');
        self.row.clear();
    }

    fn draw(&mut self) -> io::Result<()> {
        let up = mem::take(&mut self.replaced);
        let rows = mem::take(&mut self.rows);
        // Without a row there is no line to send the clearing with: what was drawn stays, as it
        // does in a log. And the same once more would only add to the lines of a notebook that
        // keeps them all.
        let same = self.drawn.lines().rev().take(up).eq(rows.lines().rev());
        if rows.is_empty() || same {
            return Ok(());
        }
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
        // By one call, so that lines of several writers do not mix.
        self.out.write_all(drawing.as_bytes())?;
        self.out.flush()
    }
}

impl<T: Write + Send + Debug> TermLike for Notebook<T> {
    fn width(&self) -> u16 {
        WIDTH as u16
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut drawing = lock(&self.0);
        drawing.row.push_str(text);
        drawing.end_row();
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawing = lock(&self.0);
        let blank = text.bytes().all(|byte| byte == b' ');
        let whole = !drawing.row.is_empty() || text.len() == WIDTH;
        drawing.row.push_str(text);
        // indicatif fills each row up to the width, by a write of its own: there a row ends. The
        // filling stays, since it hides the rest of a longer row.
        if blank && whole {
            drawing.end_row();
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        lock(&self.0).replaced += 1;
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        lock(&self.0).draw()
    }
}
