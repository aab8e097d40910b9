//! Where the rows go.
//!
//! Rows are gathered to a [`Group`] that is bounded by rows and by tokens. A full group is written
//! at once: as a part of its own where the run can be resumed, else behind the one before.

mod encoder;
mod group;
mod jsonl;
mod parquet;
mod partial;
mod parts;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cli::Format;
use crate::document::Tokens;
use crate::input::Position;
use crate::job::Job;
use encoder::Encoder;
use group::Group;
pub(crate) use group::Limits;
use partial::Partial;
use parts::Parts;

/// What is safe on the disk, and where the input goes on behind it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) parts: u64,
    /// The bytes of those parts.
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) tokens: u64,
    pub(crate) position: Position,
}

/// What to do about a run that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// Do not touch it: its work is not ours to throw away.
    Refuse,
    Resume,
    Discard,
}

/// How the output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To standard output, a device, a pipe: straight through.
    Stream,
    /// To a file that gets its name at the end; a run that is killed leaves nothing of use.
    Partial,
    /// To parts that a later run continues.
    Parts,
}

/// Takes rows and writes them.
pub(crate) struct Sink {
    group: Group,
    limits: Limits,
    format: Format,
    output: PathBuf,
    target: Target,
}

enum Target {
    Stream(Encoder<Box<dyn Write + Send>>),
    Partial(Partial),
    Parts(Parts),
}

/// The folder where the parts of an output lie until it is complete.
pub(crate) fn parts_of(output: &Path) -> PathBuf {
    with_suffix(output, ".parts")
}

/// The file that an output is written to until it is complete, where it is not written in parts.
pub(crate) fn partial_of(output: &Path) -> PathBuf {
    with_suffix(output, ".partial")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Whether an output is written straight through: it has no place beside it for a temporary name.
pub(crate) fn is_stream(output: &Path) -> bool {
    // A name under /dev may lead to a regular file (`> file` and /dev/stdout): renaming another
    // file onto it would replace the name and not the file.
    output == Path::new("-")
        || output.starts_with("/dev")
        || fs::metadata(output).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

impl Sink {
    /// Opens the output of a job; says what an earlier run of the same job had committed.
    ///
    /// # Errors
    ///
    /// The output cannot be created, another run is writing it, or an earlier run's parts are
    /// there and are not to be touched or belong to another job.
    pub(crate) fn open(
        output: &Path,
        kind: Kind,
        format: Format,
        limits: Limits,
        job: &Job,
        earlier: Earlier,
    ) -> Result<(Self, Committed)> {
        ensure!(!output.is_dir(), "cannot write {}: it is a folder", output.display());
        // A link stays a link, and the file it leads to is what is replaced.
        let output = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
        let (target, committed) = match kind {
            Kind::Stream => (Target::Stream(stream(&output, format)?), Committed::default()),
            Kind::Partial => {
                parts::refuse_or_discard(&output, earlier)?;
                (Target::Partial(Partial::create(&output, format)?), Committed::default())
            }
            Kind::Parts => {
                let (parts, committed) = Parts::open(&output, format, job, earlier)?;
                (Target::Parts(parts), committed)
            }
        };
        Ok((Self { group: Group::default(), limits, format, output, target }, committed))
    }

    /// Takes one row, and writes the group that it fills.
    ///
    /// # Errors
    ///
    /// The group could not be written.
    pub(crate) fn push(&mut self, tokens: Tokens) -> Result<()> {
        self.group.push(tokens);
        // A reader of a stream of lines sees each as it comes.
        let at_once = matches!(self.target, Target::Stream(_)) && self.format == Format::Jsonl;
        if at_once || self.group.is_full(self.limits) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.target {
            Target::Stream(encoder) => encoder.write(&self.group).map_err(anyhow::Error::new),
            Target::Partial(partial) => partial.write(&self.group).map_err(anyhow::Error::new),
            Target::Parts(parts) => parts.commit(&self.group),
        }
        .with_context(|| format!("cannot write {}", shown(&self.output)))?;
        self.group.clear();
        Ok(())
    }

    /// Writes the last group and completes the output; its size in bytes where it is a file.
    ///
    /// # Errors
    ///
    /// The rest could not be written, or the file not be given its name.
    pub(crate) fn finish(mut self) -> Result<Option<u64>> {
        if !self.group.is_empty() {
            self.flush()?;
        }
        match self.target {
            Target::Stream(encoder) => encoder.finish().map(|_| None).map_err(anyhow::Error::new),
            Target::Partial(partial) => partial.finish().map(Some).map_err(anyhow::Error::new),
            Target::Parts(parts) => parts.finish().map(Some),
        }
        .with_context(|| format!("cannot write {}", shown(&self.output)))
    }

    /// Ends without the output: what a later run can continue is kept. A stream, which cannot be
    /// taken back, is made whole.
    ///
    /// # Errors
    ///
    /// The end of a stream could not be written.
    pub(crate) fn abandon(self) -> Result<()> {
        if let Target::Stream(_) = self.target { self.finish().map(drop) } else { Ok(()) }
    }

    /// What a later run can continue behind; `None` where there is nothing.
    pub(crate) fn committed(&self) -> Option<Committed> {
        match &self.target {
            Target::Parts(parts) => Some(parts.committed()).filter(|done| done.parts > 0),
            Target::Stream(_) | Target::Partial(_) => None,
        }
    }
}

fn stream(output: &Path, format: Format) -> Result<Encoder<Box<dyn Write + Send>>> {
    let to: Box<dyn Write + Send> = if output == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let open = File::options().write(true).open(output);
        Box::new(open.with_context(|| format!("cannot write {}", output.display()))?)
    };
    Encoder::new(format, to).with_context(|| format!("cannot write {}", shown(output)))
}

/// How an output is called in a message.
pub(crate) fn shown(output: &Path) -> std::borrow::Cow<'_, str> {
    if output == Path::new("-") { "standard output".into() } else { output.to_string_lossy() }
}
