//! Where the rows go.
//!
//! Rows are gathered to a [`Group`] that is bounded by rows and by tokens. A full group is written
//! at once: as a part of its own where the run can be resumed, else behind the one before.

mod encoder;
mod existing;
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
use crate::file_id::FileId;
use crate::input::Position;
use crate::job::Job;
use crate::layout::Layout;
use encoder::Encoder;
pub(crate) use existing::Existing;
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

/// How and where a run writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) layout: Layout,
    pub(crate) limits: Limits,
    pub(crate) earlier: Earlier,
    pub(crate) existing: Existing,
}

/// Takes rows and writes them.
pub(crate) struct Sink {
    group: Group,
    plan: Plan,
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
    output == Path::new("-")
        || descriptor(output).is_some()
        || fs::metadata(output).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The number of the descriptor that a name stands for, as /dev/stdout does. It may lead to a
/// regular file (`> file`): renaming another onto that would replace the name and not the file.
fn descriptor(output: &Path) -> Option<String> {
    let mut path = output.to_owned();
    // As many links as Linux follows.
    for _ in 0..40 {
        let folder = fs::canonicalize(folder_of(&path)).ok()?;
        let is_process = folder.starts_with("/proc") && folder.ends_with("fd");
        if is_process || folder == Path::new("/dev/fd") {
            return Some(path.file_name()?.to_string_lossy().into_owned());
        }
        path = folder.join(fs::read_link(&path).ok()?);
    }
    None
}

/// The file that an output's name leads to: a link stays a link, whether there is a file behind it
/// or not, and what it leads to is what is written.
pub(crate) fn behind_links(output: &Path) -> PathBuf {
    let mut path = output.to_owned();
    for _ in 0..40 {
        let Ok(leads_to) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(leads_to);
    }
    path
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Which file an output is, where it is there and is a regular one.
pub(crate) fn id(output: &Path) -> Option<FileId> {
    if output == Path::new("-") {
        FileId::of_stdout()
    } else {
        FileId::of(output, &fs::metadata(output).ok()?)
    }
}

impl Sink {
    /// Opens the output of a job; says what an earlier run of the same job had committed.
    ///
    /// # Errors
    ///
    /// The output cannot be created or is there already, another run is writing it, or an earlier
    /// run's parts are there and are not to be touched or belong to another job.
    pub(crate) fn open(output: &Path, plan: Plan, job: &Job) -> Result<(Self, Committed)> {
        let Plan { kind, layout, earlier, existing, .. } = plan;
        ensure!(!output.is_dir(), "cannot write {}: it is a folder", output.display());
        ensure!(
            output.file_name().is_some(),
            "cannot write {}: it names no file",
            output.display()
        );
        existing::refuse(output, kind, earlier, existing)?;
        let replaces = existing == Existing::Replace;
        let (target, committed) = match kind {
            Kind::Stream => (Target::Stream(stream(output, layout)?), Committed::default()),
            Kind::Partial => {
                parts::refuse_or_discard(output, earlier)?;
                (Target::Partial(Partial::create(output, layout, replaces)?), Committed::default())
            }
            Kind::Parts => {
                let (parts, committed) = Parts::open(output, layout, job, earlier, replaces)?;
                (Target::Parts(parts), committed)
            }
        };
        Ok((Self { group: Group::default(), plan, output: output.to_owned(), target }, committed))
    }

    /// Takes one row, and writes the group that it fills.
    ///
    /// # Errors
    ///
    /// The group could not be written.
    pub(crate) fn push(&mut self, tokens: Tokens) -> Result<()> {
        self.group.push(tokens);
        // A reader of a stream of lines sees each as it comes.
        let Plan { kind, layout, limits, .. } = self.plan;
        let lines = Layout { format: Format::Jsonl, compression: None };
        let at_once = kind == Kind::Stream && layout == lines;
        if at_once || self.group.is_full(limits) { self.flush() } else { Ok(()) }
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
            Target::Partial(partial) => partial.finish().map(Some),
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

fn stream(output: &Path, layout: Layout) -> Result<Encoder<Box<dyn Write + Send>>> {
    let to: Box<dyn Write + Send> = if is_stdout(output) {
        Box::new(io::stdout())
    } else {
        // A descriptor's file is not written from its beginning, but behind what is there.
        let is_file = fs::metadata(output).is_ok_and(|found| found.is_file());
        let open = File::options().write(true).append(is_file).open(output);
        Box::new(open.with_context(|| format!("cannot write {}", output.display()))?)
    };
    Encoder::new(layout, to).with_context(|| format!("cannot write {}", shown(output)))
}

/// Whether it is written through this process's own standard output.
fn is_stdout(output: &Path) -> bool {
    output == Path::new("-")
        || (descriptor(output).as_deref() == Some("1")
            && [Path::new("/dev/stdout"), Path::new("/dev/fd/1"), Path::new("/proc/self/fd/1")]
                .contains(&output))
}

/// How an output is called in a message.
pub(crate) fn shown(output: &Path) -> std::borrow::Cow<'_, str> {
    if output == Path::new("-") { "standard output".into() } else { output.to_string_lossy() }
}
