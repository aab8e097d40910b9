//! What indicatif draws, as lines.

use std::fmt::Debug;
use std::{io, mem};

use indicatif::TermLike;

use crate::sync::{Arc, Mutex, lock};

/// Where lines are drawn.
pub(super) trait Paint: Debug + Send {
    /// How many columns and rows there are.
    fn size(&self) -> (u16, u16);

    /// Draws `lines` in place of what was drawn last in the lowest `replaced` rows.
    fn paint(&mut self, lines: Vec<Line>, replaced: usize) -> io::Result<()>;
}

/// A line as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The blanks that fill the rest of its last row.
    pub(super) filling: String,
}

/// As much of a terminal as indicatif asks for.
///
/// Its cursor does not move: indicatif clears the rows that it replaces, from which follows how many they
/// are, and then writes each line and the filling of its last row, by two writes.
#[derive(Debug)]
pub(super) struct Canvas<P>(Arc<Mutex<Drawing<P>>>);

#[derive(Debug)]
struct Drawing<P> {
    place: P,
    replaced: usize,
    /// The line whose filling is yet to come.
    line: Option<String>,
    lines: Vec<Line>,
}

impl<P: Paint> Canvas<P> {
    pub(super) fn new(place: P) -> Self {
        let drawing = Drawing { place, replaced: 0, line: None, lines: Vec::new() };
        Self(Arc::new(Mutex::new(drawing)))
    }

    /// Calls `f` with the place, between two drawings.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut P) -> R) -> R {
        f(&mut lock(&self.0).place)
    }
}

impl<P> Clone for Canvas<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Paint> TermLike for Canvas<P> {
    fn width(&self) -> u16 {
        self.with(|place| place.size().0)
    }

    fn height(&self) -> u16 {
        self.with(|place| place.size().1)
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
        let line = Line { text: text.to_owned(), filling: String::new() };
        lock(&self.0).lines.push(line);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawing = lock(&self.0);
        match drawing.line.take() {
            Some(line) => drawing.lines.push(Line { text: line, filling: text.to_owned() }),
            None => drawing.line = Some(text.to_owned()),
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        lock(&self.0).replaced += 1;
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = lock(&self.0);
        let (lines, replaced) = (mem::take(&mut drawing.lines), mem::take(&mut drawing.replaced));
        drawing.place.paint(lines, replaced)
    }
}
