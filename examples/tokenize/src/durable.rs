//! Files that are there whole or not at all, whenever the power goes.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Writes a file under `temporary`, and gives it its name once its bytes are on the disk.
///
/// # Errors
///
/// Those of `write` and of the file system; the temporary file is then removed.
pub(crate) fn create<E: From<io::Error>, T>(
    temporary: &Path,
    name: &Path,
    write: impl FnOnce(File) -> Result<(File, T), E>,
) -> Result<T, E> {
    let attempt = || {
        let (file, value) = write(File::create(temporary)?)?;
        file.sync_all()?;
        drop(file);
        fs::rename(temporary, name)?;
        sync_folder(name)?;
        Ok(value)
    };
    attempt().inspect_err(|_| {
        // What failed is the news; a leftover is overwritten by the next run.
        let _ = fs::remove_file(temporary);
    })
}

/// Makes the name of a file that was created, renamed or removed as lasting as its bytes.
pub(crate) fn sync_folder(of: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = of.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
