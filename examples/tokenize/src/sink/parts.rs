//! An output in parts, which a run that was killed leaves for the next one.
//!
//! Beside OUTPUT, in OUTPUT.parts:
//!
//! | file | what |
//! |---|---|
//! | `job.json` | the inputs and options that the parts belong to |
//! | `00000000.part`, .. | a finished file of the output's format, one row group in each |
//! | `committed.json` | how many parts count, and where the input goes on behind them |
//! | `lock` | locked by the run that is writing |
//!
//! Each is written under a temporary name, synced and renamed. A part counts once
//! `committed.json` says so: one that a kill left behind is written again, to the same bytes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::encoder::Encoder;
use super::group::Group;
use super::{Committed, Earlier, existing, partial, parts_of};
use crate::cli::Format;
use crate::durable;
use crate::interrupt;
use crate::job::Job;
use crate::layout::Layout;

/// What a kill may leave behind of a file that was being written.
const TEMPORARY: [&str; 4] = ["part.tmp", "output.tmp", "job.json.tmp", "committed.json.tmp"];

pub(super) struct Parts {
    folder: PathBuf,
    output: PathBuf,
    layout: Layout,
    replaces: bool,
    committed: Committed,
    /// Held until the end; `None` once the folder is gone.
    lock: Option<File>,
}

impl Parts {
    pub(super) fn open(
        output: &Path,
        layout: Layout,
        job: &Job,
        earlier: Earlier,
        replaces: bool,
    ) -> Result<(Self, Committed)> {
        let folder = parts_of(output);
        let created = fs::create_dir(&folder).and_then(|()| durable::sync_folder(&folder));
        match created {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot create {}", folder.display()));
            }
            _ => {}
        }
        let lock = acquire(&folder, output)?;
        let mut parts = Self {
            folder,
            output: output.to_owned(),
            layout,
            replaces,
            committed: Committed::default(),
            lock: Some(lock),
        };
        let found = found(&parts.folder)?;
        if let Some(committed) = found {
            match earlier {
                Earlier::Refuse => {
                    parts.lock = None;
                    return Err(refused(&parts.folder, committed));
                }
                Earlier::Resume => {
                    parts.committed = committed;
                    parts.check(job)?;
                }
                Earlier::Discard => {}
            }
        }
        if parts.committed.parts == 0 {
            parts.remove("committed.json")?;
            parts.put("job.json", &job)?;
        }
        parts.remove_from(parts.committed.parts)?;
        let committed = parts.committed;
        Ok((parts, committed))
    }

    /// What is found must be what was committed, and of the same job.
    fn check(&self, job: &Job) -> Result<()> {
        let theirs = read_json(&self.folder.join("job.json"))?;
        if let Some(difference) = job.difference(theirs) {
            bail!(
                "cannot resume {}: {difference} (--restart discards what is done)",
                self.output.display()
            );
        }
        let bytes = (0..self.committed.parts).map(|n| {
            let part = self.part(n);
            fs::metadata(&part)
                .map(|found| found.len())
                .with_context(|| format!("cannot resume: cannot read {}", part.display()))
        });
        let bytes: u64 = bytes.sum::<Result<u64>>()?;
        ensure!(
            bytes == self.committed.bytes,
            "cannot resume: the parts in {} are not those that were written ({bytes} bytes, not {})",
            self.folder.display(),
            self.committed.bytes
        );
        Ok(())
    }

    pub(super) fn committed(&self) -> Committed {
        self.committed
    }

    /// Writes a group as the next part; when this returns, no crash can undo it.
    pub(super) fn commit(&mut self, group: &Group) -> Result<()> {
        let layout = self.layout;
        let temporary = self.folder.join("part.tmp");
        let part = self.part(self.committed.parts);
        let bytes = durable::create(&temporary, &part, |file| {
            let mut encoder = Encoder::new(layout, file)?;
            encoder.write(group)?;
            let file = encoder.finish()?;
            let bytes = file.metadata()?.len();
            io::Result::Ok((file, bytes))
        })?;
        let committed = Committed {
            parts: self.committed.parts + 1,
            bytes: self.committed.bytes + bytes,
            rows: self.committed.rows + group.len() as u64,
            tokens: self.committed.tokens + group.tokens() as u64,
            position: group.position(),
        };
        self.put("committed.json", &committed)?;
        self.committed = committed;
        Ok(())
    }

    /// Makes the output of the parts, gives it its name, and removes them.
    pub(super) fn finish(mut self) -> Result<u64> {
        let layout = self.layout;
        let temporary = self.folder.join("output.tmp");
        let bytes = durable::create(&temporary, &self.output, |file| {
            let mut encoder = Encoder::new(layout, file)?;
            for n in 0..self.committed.parts {
                interrupt::check()?;
                encoder.append(File::open(self.part(n))?)?;
            }
            let file = encoder.finish()?;
            let bytes = file.metadata()?.len();
            existing::check(&self.output, &temporary, self.replaces)?;
            anyhow::Ok((file, bytes))
        })?;
        self.clear().with_context(|| format!("cannot remove {}", self.folder.display()))?;
        Ok(bytes)
    }

    fn part(&self, n: u64) -> PathBuf {
        self.folder.join(part_name(n))
    }

    fn put(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let path = self.folder.join(name);
        let json = serde_json::to_vec(value)?;
        durable::create(&self.folder.join(format!("{name}.tmp")), &path, |mut file| {
            file.write_all(&json)?;
            Ok((file, ()))
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what no `committed.json` vouches for.
    fn remove_from(&self, first: u64) -> Result<()> {
        let unreadable = || format!("cannot read {}", self.folder.display());
        for entry in fs::read_dir(&self.folder).with_context(unreadable)? {
            let name = entry.with_context(unreadable)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let number = name.strip_suffix(".part").and_then(|number| number.parse().ok());
            if TEMPORARY.contains(&name) || number.is_some_and(|n: u64| n >= first) {
                self.remove(name)?;
            }
        }
        Ok(())
    }

    /// Removes the folder with all that this program put there. A file of someone else's stays,
    /// and the folder with it.
    fn clear(&mut self) -> Result<()> {
        // First what makes it a run to be continued, then the rest.
        self.remove("committed.json")?;
        self.remove("job.json")?;
        self.remove_from(0)?;
        // Windows removes no file that is open.
        self.lock = None;
        self.remove("lock")?;
        match fs::remove_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Parts {
    /// A run that failed before its first part leaves nothing to continue.
    fn drop(&mut self) {
        if self.lock.is_some() && self.committed.parts == 0 {
            // An error here would hide the one that brought us here.
            let _ = self.clear();
        }
    }
}

/// For a run that makes no parts: an earlier one's are as little its own.
pub(super) fn refuse_or_discard(output: &Path, earlier: Earlier) -> Result<()> {
    let folder = parts_of(output);
    if !folder.is_dir() {
        return Ok(());
    }
    let lock = acquire(&folder, output)?;
    match found(&folder)? {
        Some(committed) if earlier != Earlier::Discard => Err(refused(&folder, committed)),
        _ => {
            let (output, committed) = (output.to_owned(), Committed::default());
            let layout = Layout { format: Format::Parquet, compression: None };
            Parts { folder, output, layout, replaces: false, committed, lock: Some(lock) }.clear()
        }
    }
}

/// Whether a run was begun and has neither ended nor been discarded.
pub(super) fn is_unfinished(output: &Path) -> bool {
    parts_of(output).join("job.json").exists()
}

fn acquire(folder: &Path, output: &Path) -> Result<File> {
    let path = folder.join("lock");
    let lock = File::options().write(true).create(true).truncate(false).open(&path);
    let lock = lock.with_context(|| format!("cannot create {}", path.display()))?;
    partial::lock(&lock, output)?;
    Ok(lock)
}

/// What an earlier run committed; `None` where that is nothing.
fn found(folder: &Path) -> Result<Option<Committed>> {
    let path = folder.join("committed.json");
    if !path.exists() {
        return Ok(None);
    }
    let committed: Committed = read_json(&path)?;
    Ok(Some(committed).filter(|committed| committed.parts > 0))
}

fn refused(folder: &Path, committed: Committed) -> anyhow::Error {
    anyhow::anyhow!(
        "{} holds a run that was not completed, {} documents of it: \
         --resume continues it, --restart discards it",
        folder.display(),
        committed.position.documents
    )
}

fn part_name(n: u64) -> String {
    format!("{n:08}.part")
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}
