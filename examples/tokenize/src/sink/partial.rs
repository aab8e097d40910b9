//! An output that is written behind one another, under a temporary name until it is complete.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::encoder::Encoder;
use super::group::Group;
use super::{existing, partial_of};
use crate::durable;
use crate::layout::Layout;

pub(super) struct Partial {
    /// `None` once it is finished.
    encoder: Option<Encoder<File>>,
    temporary: PathBuf,
    output: PathBuf,
    replaces: bool,
}

impl Partial {
    pub(super) fn create(output: &Path, layout: Layout, replaces: bool) -> Result<Self> {
        let temporary = partial_of(output);
        let failed = || format!("cannot create {}", temporary.display());
        // Not truncated before it is locked: it may be another run's.
        let options = File::options().write(true).create(true).truncate(false).open(&temporary);
        let file = options.with_context(failed)?;
        lock(&file, output)?;
        file.set_len(0).with_context(failed)?;
        let encoder = Encoder::new(layout, file).with_context(failed)?;
        Ok(Self { encoder: Some(encoder), temporary, output: output.to_owned(), replaces })
    }

    pub(super) fn write(&mut self, group: &Group) -> io::Result<()> {
        let Some(encoder) = &mut self.encoder else { unreachable!("only `finish` takes it") };
        encoder.write(group)
    }

    /// The size of the finished file.
    pub(super) fn finish(mut self) -> Result<u64> {
        let Some(encoder) = self.encoder.take() else { unreachable!("only `finish` takes it") };
        let completed = encoder.finish().and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = completed.inspect_err(|_| self.remove())?.len();
        // What is complete stays, under its temporary name, where it cannot get its own.
        existing::check(&self.output, &self.temporary, self.replaces)
            .and_then(|()| Ok(fs::rename(&self.temporary, &self.output)?))
            .with_context(|| format!("what was written is in {}", self.temporary.display()))?;
        durable::sync_folder(&self.output)?;
        Ok(bytes)
    }

    /// Half an output that nothing can continue.
    fn remove(&self) {
        // An error here would hide the one before.
        let _ = fs::remove_file(&self.temporary);
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.encoder.is_some() {
            self.remove();
        }
    }
}

/// Keeps two runs from writing the same output; held as long as the file is open.
pub(super) fn lock(file: &File, output: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!("another run is writing {}", output.display()),
        // A file system without locks is no reason not to work.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock the output {}", output.display()))
        }
    }
}
