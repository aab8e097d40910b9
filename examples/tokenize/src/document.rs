//! What goes through the workers: a document in, its tokens or a bad line out.

use std::error::Error;
use std::fmt;
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
    /// No line: what is wrong with the file, here or as such.
    Fault(Fault),
}

/// What is wrong with an input as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// It cannot be opened or not be read: what the system said.
    Unreadable(String),
    /// It is not what it was when the run started.
    Changed,
    /// It is no text in UTF-8, but in a format of this name.
    Foreign(String),
    /// Its compressed data ends where it should go on.
    EndsEarly,
    /// Its compressed data is damaged: what the decoder said.
    Damaged(String),
    /// So many bytes behind its gzip data are none.
    Ignored(u64),
}

impl Fault {
    /// Whether another run may read what this one could not: then it is no fault of the data.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::Changed)
    }

    /// Whether it is of the place in the file where it was met.
    fn has_line(&self) -> bool {
        matches!(self, Self::EndsEarly | Self::Damaged(_))
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
    Fault(Fault),
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
        match &self.reason {
            Reason::Fault(fault) if !fault.has_line() => {
                write!(f, "{}: {fault}", self.place.file.name())
            }
            reason => write!(f, "{}: {reason}", self.place),
        }
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
            Self::Fault(fault) => fmt::Display::fmt(fault, f),
            Self::Tokenizer(error) => write!(f, "the tokenizer failed: {error}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Changed => f.write_str("has changed since the run started"),
            Self::Foreign(name) => {
                write!(
                    f,
                    "{name} is not supported: the input is text in UTF-8, plain, gzip or Zstandard"
                )
            }
            Self::EndsEarly => {
                f.write_str("cannot be read on: its compressed data ends in the middle")
            }
            Self::Damaged(error) => write!(f, "cannot be read: {error}"),
            Self::Ignored(bytes) => {
                write!(f, "{bytes} bytes behind the end of its gzip data are ignored")
            }
        }
    }
}
