//! Bars on a terminal on which others print too.
//!
//! Nobody can say how far the cursor has gone since the last drawing: a program prints, a panic hook does,
//! the terminal echoes `^C`. So nothing here ever goes up over what it has not drawn by the same write. While
//! a run is shown, the cursor rests *above* the bars:
//!
//! ```text
//! what was printed before
//! ▮                        <- the cursor; what is printed comes here
//!                             (the margin)
//! reading ━━━╸─────────
//!   worker 0  working ..
//! ```
//!
//! What is printed moves the cursor down by itself. The next drawing begins where that ended, clears all
//! below, which is bars and nothing else, draws them there and goes up again. Lines that are printed between
//! two drawings and are more than the margin has rows are written over bars, whose rest may stay behind
//! them; none is lost.

use std::fmt::{self, Debug, Write as _};
use std::io::{self, Write};
use std::iter;

use console::{measure_text_width, truncate_str};
use indicatif::ProgressDrawTarget;

use super::canvas::{Canvas, Line, Paint};

/// How often a second it is drawn at the most, but for what has to be seen: as indicatif does by itself.
const MOST_DRAWINGS: u8 = 20;

/// How many rows are left for what is printed between two drawings, where the terminal has them: a panic's
/// message with its note takes four, and what the consumer has to say of it one more.
const MARGIN: usize = 5;

/// Clears the screen from the cursor on.
const CLEAR_BELOW: &str = "\x1b[J";

/// A terminal with its bars.
pub(super) type Terminal = Canvas<Bars>;

/// The bars on a terminal.
pub(super) struct Bars {
    out: Box<dyn Write + Send>,
    /// How many columns and rows the terminal has.
    size: Box<dyn Fn() -> (u16, u16) + Send>,
    /// What is drawn.
    rows: Vec<Row>,
    rest: Rest,
    /// The runs that are shown here.
    runs: usize,
}

#[derive(Debug)]
struct Row {
    text: String,
    /// How many rows indicatif takes it for: it lets a long line go on in the next row, here it is cut.
    height: usize,
}

/// Where the cursor rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Above the margin and the bars.
    Above,
    /// In the row after the bars, which are all of the caller's: so a program can end with them.
    Below,
}

/// Keeps the cursor above the bars, so that what is printed costs none of it.
#[derive(Debug)]
pub(super) struct Guard(Terminal);

impl Terminal {
    pub(super) fn on(
        out: impl Write + Send + 'static,
        size: impl Fn() -> (u16, u16) + Send + 'static,
    ) -> Self {
        Self::new(Bars {
            out: Box::new(out),
            size: Box::new(size),
            rows: Vec::new(),
            rest: Rest::Below,
            runs: 0,
        })
    }

    pub(super) fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::new(self.clone()), MOST_DRAWINGS)
    }

    /// Notes that a run is shown, until the guard is dropped.
    pub(super) fn guard(&self) -> Guard {
        self.with(|bars| bars.runs += 1);
        Guard(self.clone())
    }

    /// Prints whole lines above the bars.
    pub(super) fn print(&self, text: &[u8]) -> io::Result<()> {
        self.with(|bars| bars.print(text))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A terminal that is gone is no reason to end anything.
        let _ = self.0.with(|bars| {
            bars.runs -= 1;
            if bars.runs == 0 { bars.redraw() } else { Ok(()) }
        });
    }
}

impl Bars {
    fn print(&mut self, text: &[u8]) -> io::Result<()> {
        let mut drawing = self.clear(self.rows.len()).into_bytes();
        drawing.extend_from_slice(text);
        drawing.extend_from_slice(self.draw().as_bytes());
        self.write(&drawing)
    }

    fn redraw(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            self.rest = Rest::Below;
            return Ok(());
        }
        let drawing = self.clear(self.rows.len()) + &self.draw();
        self.write(drawing.as_bytes())
    }

    /// Clears the last `replaced` of the rows; those above them are to stay.
    fn clear(&self, replaced: usize) -> String {
        let mut drawing = String::new();
        if self.rest == Rest::Below && replaced > 0 {
            // Writing to a string does not fail.
            let _ = write!(drawing, "\x1b[{replaced}A\r");
        }
        // To the start of a row: blanks as wide as the terminal end in the next row unless they began at the
        // start of one. So what is not a whole line yet stays too, and so does the `^C` of a Ctrl-C.
        drawing.extend(iter::repeat_n(' ', (self.size)().0.into()));
        // Before that start: tmux takes a screen that is cleared from its first corner on for one to remember.
        drawing.push_str(CLEAR_BELOW);
        drawing.push('\r');
        if self.rest == Rest::Above {
            // Above the bars there are none: these are drawn for the last time.
            for row in &self.rows[..self.rows.len() - replaced] {
                drawing.push_str(&row.text);
                drawing.push_str("\r\n");
            }
        }
        drawing
    }

    /// Draws the rows from the cursor on.
    fn draw(&mut self) -> String {
        let (width, height) = (self.size)();
        let (width, height) = (usize::from(width), usize::from(height));
        let mut drawing = String::new();
        if self.runs == 0 {
            self.rest = Rest::Below;
            for row in &self.rows {
                drawing.push_str(&truncate_str(&row.text, width, ""));
                drawing.push_str("\r\n");
            }
            return drawing;
        }
        // No bar is among those for which there is no room: they are printed by indicatif, above the bars.
        let printed = self.rows.len().saturating_sub(height.saturating_sub(1).max(1));
        for row in self.rows.drain(..printed) {
            drawing.push_str(&row.text);
            drawing.push_str("\r\n");
        }
        self.rest = Rest::Above;
        if self.rows.is_empty() {
            return drawing;
        }
        let margin = MARGIN.min(height.saturating_sub(self.rows.len()));
        drawing.push_str(&"\r\n".repeat(margin));
        for (place, row) in self.rows.iter().enumerate() {
            if place > 0 {
                drawing.push_str("\r\n");
            }
            drawing.push_str(&truncate_str(&row.text, width, ""));
        }
        let up = margin + self.rows.len() - 1;
        if up > 0 {
            // Writing to a string does not fail.
            let _ = write!(drawing, "\x1b[{up}A");
        }
        drawing.push('\r');
        drawing
    }

    /// By one call, so that it does not mix with what others write.
    fn write(&mut self, drawing: &[u8]) -> io::Result<()> {
        self.out.write_all(drawing)?;
        self.out.flush()
    }
}

impl Paint for Bars {
    /// A row less than there are: the cursor rests above the bars.
    fn size(&self) -> (u16, u16) {
        let (width, height) = (self.size)();
        (width.max(1), height.saturating_sub(1).max(1))
    }

    fn paint(&mut self, lines: Vec<Line>, replaced: usize) -> io::Result<()> {
        let width = usize::from(self.size().0);
        let mut height = 0;
        let is_replaced = |row: &&Row| {
            let is_replaced = height < replaced;
            height += row.height;
            is_replaced
        };
        let rows = self.rows.iter().rev().take_while(is_replaced).count();
        let mut drawing = self.clear(rows);
        self.rows = lines
            .into_iter()
            .map(|Line { text, filling }| {
                let columns = measure_text_width(&text) + filling.len();
                Row { text, height: columns.div_ceil(width).max(1) }
            })
            .collect();
        drawing.push_str(&self.draw());
        self.write(drawing.as_bytes())
    }
}

impl Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars")
            .field("rows", &self.rows)
            .field("rest", &self.rest)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}
