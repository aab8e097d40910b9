//! The source: documents out of files, one a line.

mod format;
mod gzip;
mod lines;
mod peek;
mod source;

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::document::{Content, Document, Place};
use crate::files::InputFile;
use lines::{Line, Lines};
use source::Source;

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
/// What is wrong with a file takes a document's place, so that its message comes in its turn; the
/// next file follows. But where another run may read it, this one ends there, unless it is to
/// skip such files.
pub(crate) struct Documents {
    files: std::vec::IntoIter<Arc<InputFile>>,
    /// Where the file that is opened next starts: its beginning, but for a resumed run's first.
    start: Start,
    open: Option<Open>,
    /// How many documents came out.
    index: u64,
    /// How many may yet come.
    left: u64,
    options: ReadOptions,
    feed: Arc<Feed>,
}

/// How the files are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadOptions {
    /// The longest line, in bytes.
    pub(crate) max_line: usize,
    /// The most documents, of an earlier run's too.
    pub(crate) limit: Option<u64>,
    /// A file that cannot be read costs that file, and not the run.
    pub(crate) skip_unreadable: bool,
}

/// What is known of the documents while they are read, and afterwards.
#[derive(Debug)]
pub(crate) struct Feed {
    read: Arc<AtomicU64>,
    end: OnceLock<End>,
}

/// How the documents ended.
#[derive(Debug)]
pub(crate) enum End {
    /// All were read, or as many as asked for: how many, of an earlier run too.
    Complete { documents: u64 },
    /// A file could not be read: which, and why.
    Failed(String),
}

impl Feed {
    pub(crate) fn at(read: u64) -> Self {
        Self { read: Arc::new(AtomicU64::new(read)), end: OnceLock::new() }
    }

    /// How many bytes of the files are read, before decompression; what a resumed run skips counts.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// `None` where there is more to read.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.get()
    }
}

struct Open {
    file: Arc<InputFile>,
    source: Source,
    lines: Lines,
}

#[derive(Clone, Copy, Default)]
struct Start {
    line: u64,
    offset: u64,
}

impl Documents {
    pub(crate) fn new(files: &[Arc<InputFile>], from: Position, options: ReadOptions) -> Self {
        let (done, ahead) = files.split_at(from.file.min(files.len()));
        let done = done.iter().filter_map(|file| file.size()).sum();
        Self {
            files: Vec::from(ahead).into_iter(),
            start: Start { line: from.line, offset: from.offset },
            open: None,
            index: from.documents,
            left: options.limit.map_or(u64::MAX, |limit| limit.saturating_sub(from.documents)),
            options,
            feed: Arc::new(Feed::at(done)),
        }
    }

    pub(crate) fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// The documents end here.
    fn end(&mut self, end: End) {
        self.files = Vec::new().into_iter();
        self.open = None;
        self.feed.end.get_or_init(|| end);
    }

    /// Where the next document stands, and what it is.
    fn content(&mut self) -> Option<(Arc<InputFile>, Start, Content)> {
        loop {
            let Some(Open { file, source, lines }) = &mut self.open else {
                let file = self.files.next()?;
                let start = mem::take(&mut self.start);
                match Source::open(&file, start.offset, &self.feed.read) {
                    Ok((source, input)) => {
                        let lines = Lines::new(input, self.options.max_line, start);
                        self.open = Some(Open { file, source, lines });
                        continue;
                    }
                    Err(fault) => {
                        let at = Start { line: start.line + 1, ..start };
                        return Some((file, at, Content::Fault(fault)));
                    }
                }
            };
            let line = lines.next();
            let (file, at) = (Arc::clone(file), lines.at());
            let fault = match line {
                Ok(Some(Line::Text(text))) if text.trim_ascii().is_empty() => continue,
                Ok(Some(Line::Text(text))) => return Some((file, at, Content::Line(text))),
                Ok(Some(Line::TooLong(bytes))) => return Some((file, at, Content::TooLong(bytes))),
                Ok(None) => source.fault_at_end(),
                Err(error) => Some(source.fault(error)),
            };
            self.open = None;
            if let Some(fault) = fault {
                return Some((file, at, Content::Fault(fault)));
            }
        }
    }
}

impl Iterator for Documents {
    type Item = Document;

    fn next(&mut self) -> Option<Document> {
        let next = if self.left == 0 { None } else { self.content() };
        let Some((file, at, content)) = next else {
            self.end(End::Complete { documents: self.index });
            return None;
        };
        if let Content::Fault(fault) = &content
            && fault.is_passing()
            && !self.options.skip_unreadable
        {
            self.end(End::Failed(format!("{}: {fault}", file.name())));
            return None;
        }
        let index = self.index;
        self.index += 1;
        self.left -= 1;
        Some(Document { place: Place { file, line: at.line, end: at.offset, index }, content })
    }
}

/// How many bytes the files have, before decompression; `None` where one is no regular file.
pub(crate) fn total_bytes(files: &[Arc<InputFile>]) -> Option<u64> {
    files.iter().map(|file| file.size()).sum()
}
