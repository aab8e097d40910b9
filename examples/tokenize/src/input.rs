//! The source: documents out of files, one a line.

mod decode;
mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::document::{Content, Document, Place};
use crate::files::InputFile;
use lines::{Line, Lines};

/// How far the input is done with: where a resumed run reads on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The file's position in the list.
    pub(crate) file: usize,
    /// How many of its lines are done.
    pub(crate) line: u64,
    /// Where the next line starts, in bytes of the decompressed file.
    pub(crate) offset: u64,
    /// How many documents are done, of all files, bad lines among them.
    pub(crate) documents: u64,
}

impl From<&Place> for Position {
    /// The position behind a document.
    fn from(place: &Place) -> Self {
        Self {
            file: place.file.index,
            line: place.line,
            offset: place.end,
            documents: place.index + 1,
        }
    }
}

/// The documents of a list of files, from a position on.
///
/// What cannot be read takes a document's place, so that its message comes in its turn; the next
/// file follows.
pub(crate) struct Documents {
    files: std::vec::IntoIter<Arc<InputFile>>,
    /// Where the file that is opened next starts: its beginning, but for a resumed run's first.
    start: Start,
    open: Option<(Arc<InputFile>, Lines)>,
    /// How many documents came out.
    index: u64,
    max_line: usize,
    read: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Default)]
struct Start {
    line: u64,
    offset: u64,
}

impl Documents {
    pub(crate) fn new(files: &[Arc<InputFile>], from: Position, max_line: usize) -> Self {
        let (done, ahead) = files.split_at(from.file.min(files.len()));
        let done = done.iter().filter_map(|file| file.size()).sum();
        Self {
            files: Vec::from(ahead).into_iter(),
            start: Start { line: from.line, offset: from.offset },
            open: None,
            index: from.documents,
            max_line,
            read: Arc::new(AtomicU64::new(done)),
        }
    }

    /// How many bytes of the files are read, before decompression; what a resumed run skips counts.
    pub(crate) fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    fn document(&mut self, file: Arc<InputFile>, at: Start, content: Content) -> Document {
        let index = self.index;
        self.index += 1;
        Document { place: Place { file, line: at.line, end: at.offset, index }, content }
    }
}

impl Iterator for Documents {
    type Item = Document;

    fn next(&mut self) -> Option<Document> {
        loop {
            let Some((file, lines)) = &mut self.open else {
                let file = self.files.next()?;
                let start = std::mem::take(&mut self.start);
                match decode::open(&file, start.offset, &self.read) {
                    Ok(input) => self.open = Some((file, Lines::new(input, self.max_line, start))),
                    Err(error) => {
                        let at = Start { line: start.line + 1, ..start };
                        return Some(self.document(file, at, Content::Unreadable(error.into())));
                    }
                }
                continue;
            };
            let line = lines.next();
            let (file, at) = (Arc::clone(file), lines.at());
            let content = match line {
                Ok(Some(Line::Text(text))) if text.trim_ascii().is_empty() => continue,
                Ok(Some(Line::Text(text))) => Content::Line(text),
                Ok(Some(Line::TooLong(bytes))) => Content::TooLong(bytes),
                Ok(None) => {
                    self.open = None;
                    continue;
                }
                Err(error) => {
                    self.open = None;
                    Content::Unreadable(error.into())
                }
            };
            return Some(self.document(file, at, content));
        }
    }
}

/// How many bytes the files have, before decompression; `None` where one is no regular file.
pub(crate) fn total_bytes(files: &[Arc<InputFile>]) -> Option<u64> {
    files.iter().map(|file| file.size()).sum()
}

/// The bytes read so far, for a bar.
pub(crate) fn load(read: &AtomicU64) -> u64 {
    read.load(Ordering::Relaxed)
}
