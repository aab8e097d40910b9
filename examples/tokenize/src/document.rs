//! What goes through the workers: a document in, its tokens or a bad line out.

use std::error::Error;
use std::fmt;
use std::io;
use std::str::Utf8Error;
use std::sync::Arc;

use crate::field::FieldError;
use crate::files::InputFile;

/// One line of the input, not looked at yet: that is the workers' work.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What stands in a document's place.
#[derive(Debug)]
pub(crate) enum Content {
    Line(Vec<u8>),
    /// A line over the limit; its length in bytes.
    TooLong(u64),
    /// The file could not be opened, or not be read on from here.
    Unreadable(io::Error),
}

/// Where a document was read.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) file: Arc<InputFile>,
    /// 1-based, blank lines counted.
    pub(crate) line: u64,
    /// Where the next line starts, in bytes of the decompressed file.
    pub(crate) end: u64,
    /// How many documents came before this one, of all files.
    pub(crate) index: u64,
}

/// The token ids of one document.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) place: Place,
    pub(crate) ids: Vec<u32>,
}

/// A document that has no tokens, and why. `Display` says all of it.
#[derive(Debug)]
pub(crate) struct BadLine {
    pub(crate) place: Place,
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum Reason {
    NotUtf8(Utf8Error),
    Field(FieldError),
    TooLong(u64),
    Unreadable(io::Error),
    Tokenizer(tokenizers::Error),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.name(), self.line)
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl Error for BadLine {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(error) => write!(f, "not UTF-8 from byte {} on", error.valid_up_to() + 1),
            Self::Field(error) => fmt::Display::fmt(error, f),
            Self::TooLong(bytes) => {
                write!(f, "the line is too long: {bytes} bytes (see --max-line-bytes)")
            }
            Self::Unreadable(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("cannot be read on: its compressed data ends in the middle")
            }
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Tokenizer(error) => write!(f, "the tokenizer failed: {error}"),
        }
    }
}
