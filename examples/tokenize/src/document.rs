//! What goes through the workers: a document in, its tokens or a bad line out.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::files::{self, InputFile};

/// One line of the input, not looked at yet: that is the workers' work.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What stands in a document's place.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Content {
    Line(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A line over the limit; its length in bytes.
    TooLong(u64),
    /// The file could not be opened, or not be read on from here.
    Unreadable(Unreadable),
}

/// What a failed read said.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Unreadable {
    message: String,
    /// The data ends where it should go on.
    ends_early: bool,
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        let ends_early = error.kind() == io::ErrorKind::UnexpectedEof;
        Self { message: error.to_string(), ends_early }
    }
}

/// Where a document was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    #[serde(with = "files::crossing")]
    pub(crate) file: Arc<InputFile>,
    /// 1-based, blank lines counted.
    pub(crate) line: u64,
    /// Where the next line starts, in bytes of the decompressed file.
    pub(crate) end: u64,
    /// How many documents came before this one, of all files.
    pub(crate) index: u64,
}

/// The token ids of one document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) place: Place,
    pub(crate) ids: Vec<u32>,
}

/// A document that has no tokens, and why. `Display` says all of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BadLine {
    pub(crate) place: Place,
    pub(crate) reason: Reason,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// From this byte on, counted from 1.
    NotUtf8(usize),
    Field(FieldError),
    TooLong(u64),
    Unreadable(Unreadable),
    /// What the tokenizer said.
    Tokenizer(String),
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
            Self::NotUtf8(byte) => write!(f, "not UTF-8 from byte {byte} on"),
            Self::Field(error) => fmt::Display::fmt(error, f),
            Self::TooLong(bytes) => {
                write!(f, "the line is too long: {bytes} bytes (see --max-line-bytes)")
            }
            Self::Unreadable(error) if error.ends_early => {
                f.write_str("cannot be read on: its compressed data ends in the middle")
            }
            Self::Unreadable(error) => write!(f, "cannot be read: {}", error.message),
            Self::Tokenizer(error) => write!(f, "the tokenizer failed: {error}"),
        }
    }
}
