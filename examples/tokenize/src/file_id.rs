//! Which file it is, whatever name leads to it.

use std::fs::Metadata;
use std::path::Path;

/// Two names of one regular file, by links of either kind, have the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileId(Id);

#[cfg(unix)]
type Id = (u64, u64);
#[cfg(not(unix))]
type Id = std::path::PathBuf;

impl FileId {
    /// `None` for what is no regular file.
    #[cfg(unix)]
    pub(crate) fn of(_: &Path, metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self((metadata.dev(), metadata.ino())))
    }

    /// `None` for what is no regular file. Hard links are not seen through here.
    #[cfg(not(unix))]
    pub(crate) fn of(path: &Path, metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| std::fs::canonicalize(path).ok().map(Self)).flatten()
    }

    /// The file that is standard input, where it is one.
    #[cfg(unix)]
    pub(crate) fn of_stdin() -> Option<Self> {
        of_descriptor(std::io::stdin())
    }

    /// The file that is standard output, where it is one.
    #[cfg(unix)]
    pub(crate) fn of_stdout() -> Option<Self> {
        of_descriptor(std::io::stdout())
    }

    #[cfg(not(unix))]
    pub(crate) fn of_stdin() -> Option<Self> {
        None
    }

    #[cfg(not(unix))]
    pub(crate) fn of_stdout() -> Option<Self> {
        None
    }
}

#[cfg(unix)]
fn of_descriptor(descriptor: impl std::os::fd::AsFd) -> Option<FileId> {
    let file = std::fs::File::from(descriptor.as_fd().try_clone_to_owned().ok()?);
    FileId::of(Path::new(""), &file.metadata().ok()?)
}
