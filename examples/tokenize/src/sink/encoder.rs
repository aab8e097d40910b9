//! One interface to both formats.

use std::fs::File;
use std::io::{self, Write};

use super::group::Group;
use super::{jsonl, parquet};
use crate::cli::Format;

/// Turns groups into the bytes of a file.
pub(super) enum Encoder<W: Write + Send> {
    Parquet(Box<parquet::Writer<W>>),
    Jsonl(W),
}

impl<W: Write + Send> Encoder<W> {
    pub(super) fn new(format: Format, to: W) -> io::Result<Self> {
        Ok(match format {
            Format::Parquet => Self::Parquet(Box::new(parquet::Writer::new(to)?)),
            Format::Jsonl => Self::Jsonl(to),
        })
    }

    /// Writes a group.
    pub(super) fn write(&mut self, group: &Group) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(group),
            Self::Jsonl(to) => jsonl::write(to, group),
        }
    }

    /// Writes what a finished file of the same format holds, without decoding it.
    pub(super) fn append(&mut self, mut part: File) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.append(part),
            Self::Jsonl(to) => io::copy(&mut part, to).map(drop),
        }
    }

    /// Completes the file and gives it back.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Parquet(writer) => writer.finish(),
            Self::Jsonl(mut to) => to.flush().map(|()| to),
        }
    }
}
