//! One interface to all layouts.

use std::fs::File;
use std::io::{self, Write};

use flate2::write::GzEncoder;

use super::group::Group;
use super::{jsonl, parquet};
use crate::cli::Format;
use crate::layout::{Compression, Layout};

/// Turns groups into the bytes of a file.
pub(super) enum Encoder<W: Write + Send> {
    Parquet(Box<parquet::Writer<W>>),
    Jsonl {
        to: W,
        compression: Option<Compression>,
        /// Nothing has been written.
        is_empty: bool,
    },
}

impl<W: Write + Send> Encoder<W> {
    pub(super) fn new(layout: Layout, to: W) -> io::Result<Self> {
        Ok(match layout.format {
            Format::Parquet => Self::Parquet(Box::new(parquet::Writer::new(to)?)),
            Format::Jsonl => Self::Jsonl { to, compression: layout.compression, is_empty: true },
        })
    }

    /// Writes a group. What is compressed gets a member or frame of its own for each, so that the
    /// bytes are the same wherever a run was killed.
    pub(super) fn write(&mut self, group: &Group) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(group),
            Self::Jsonl { to, compression, is_empty } => {
                *is_empty = false;
                compressed(*compression, to, |to| jsonl::write(to, group))
            }
        }
    }

    /// Writes what a finished file of the same layout holds, without decoding it.
    pub(super) fn append(&mut self, mut part: File) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.append(part),
            Self::Jsonl { to, is_empty, .. } => {
                *is_empty = false;
                io::copy(&mut part, to).map(drop)
            }
        }
    }

    /// Completes the file and gives it back.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Parquet(writer) => writer.finish(),
            Self::Jsonl { mut to, compression, is_empty } => {
                if is_empty {
                    // A file of no bytes is neither gzip nor Zstandard.
                    compressed(compression, &mut to, |_| Ok(()))?;
                }
                to.flush().map(|()| to)
            }
        }
    }
}

fn compressed(
    compression: Option<Compression>,
    to: &mut impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match compression {
        None => write(to),
        Some(Compression::Gzip) => {
            let mut encoder = GzEncoder::new(to, flate2::Compression::default());
            write(&mut encoder)?;
            encoder.finish().map(drop)
        }
        Some(Compression::Zstd) => {
            let mut encoder = zstd::Encoder::new(to, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            write(&mut encoder)?;
            encoder.finish().map(drop)
        }
    }
}
