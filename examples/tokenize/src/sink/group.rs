//! Rows that are written together.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::document::Tokens;
use crate::files::InputFile;
use crate::input::Position;

/// When a group is full: at so many rows or so many tokens, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: NonZeroUsize,
    pub(crate) tokens: NonZeroUsize,
}

/// Rows in memory: one row group of Parquet, one part of a run.
///
/// Where a group ends depends on its rows alone, so that every run over the same input makes the
/// same groups.
#[derive(Debug, Default)]
pub(super) struct Group {
    rows: Vec<Row>,
    /// The ids of all rows, one row behind the other.
    ids: Vec<u32>,
    position: Position,
}

#[derive(Debug)]
struct Row {
    file: Arc<InputFile>,
    line: u64,
    /// Where the row's ids end.
    end: usize,
}

/// A row as it is written.
pub(super) struct RowRef<'a> {
    pub(super) file: &'a InputFile,
    pub(super) line: u64,
    pub(super) ids: &'a [u32],
}

impl Group {
    pub(super) fn push(&mut self, tokens: Tokens) {
        self.position = Position::from(&tokens.place);
        self.ids.extend_from_slice(&tokens.ids);
        let place = tokens.place;
        self.rows.push(Row { file: place.file, line: place.line, end: self.ids.len() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn is_full(&self, limits: Limits) -> bool {
        self.rows.len() >= limits.rows.get() || self.ids.len() >= limits.tokens.get()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The position behind the last row.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = RowRef<'_>> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let ids = &self.ids[start..row.end];
            start = row.end;
            RowRef { file: &row.file, line: row.line, ids }
        })
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.ids.clear();
    }
}
