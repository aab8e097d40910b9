//! Which files are read, and in which order.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// One input, as it was when the run started.
#[derive(Debug, Serialize)]
pub(crate) struct InputFile {
    /// Its position in the list.
    #[serde(skip)]
    pub(crate) index: usize,
    /// `-` for standard input.
    #[serde(rename = "path", serialize_with = "lossy")]
    path: PathBuf,
    /// What tells a changed file from the same one; `None` for what is no regular file.
    stamp: Option<Stamp>,
}

/// The size in bytes and the time of the last change, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Serialize)]
struct Stamp {
    size: u64,
    modified: u64,
}

impl InputFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as it is shown and written; bytes that are no UTF-8 are replaced.
    pub(crate) fn name(&self) -> std::borrow::Cow<'_, str> {
        self.path.to_string_lossy()
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// The bytes on disk; `None` where they cannot be known.
    pub(crate) fn size(&self) -> Option<u64> {
        self.stamp.map(|stamp| stamp.size)
    }
}

/// The files that `inputs` name: each input in its place, the files of a folder sorted by the
/// bytes of their paths. What this program writes beside them (`output` and its parts) is left out.
///
/// # Errors
///
/// An input that does not exist or cannot be looked at, and a folder without a file: all of them
/// now, rather than after hours of work.
pub(crate) fn list(inputs: &[PathBuf], output: &Path) -> Result<Vec<Arc<InputFile>>> {
    let own = Own::new(output);
    let mut paths = Vec::new();
    for input in inputs {
        if input == Path::new("-") {
            ensure!(
                !paths.contains(input),
                "standard input (-) can be read once, and is named twice"
            );
            paths.push(input.clone());
        } else if metadata(input)?.is_dir() {
            let mut files = Vec::new();
            walk(input, &own, &mut files)?;
            ensure!(!files.is_empty(), "{}: no file in this folder", input.display());
            files.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
            paths.append(&mut files);
        } else if own.is(input) {
            bail!("{}: this input is also the output", input.display());
        } else {
            paths.push(input.clone());
        }
    }
    paths.into_iter().enumerate().map(|(index, path)| stamped(index, path)).collect()
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))
}

fn stamped(index: usize, path: PathBuf) -> Result<Arc<InputFile>> {
    let mut file = InputFile { index, path, stamp: None };
    if !file.is_stdin() {
        let metadata = metadata(&file.path)?;
        if metadata.is_file() {
            // A platform without modification times still has the size to go by.
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            file.stamp = Some(Stamp {
                size: metadata.len(),
                modified: since.map_or(0, |since| since.as_nanos() as u64),
            });
        }
    }
    Ok(Arc::new(file))
}

/// Adds the files below `folder`. A link to a folder is not followed: it may lead round in a
/// circle.
fn walk(folder: &Path, own: &Own, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("cannot read the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(unreadable)?;
        if own.is(&path) {
            continue;
        }
        if kind.is_dir() {
            walk(&path, own, files)?;
        } else if kind.is_file() || (kind.is_symlink() && metadata(&path)?.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// The names under which this program writes beside its inputs.
struct Own {
    folder: Option<PathBuf>,
    names: [PathBuf; 3],
}

impl Own {
    fn new(output: &Path) -> Self {
        let name = Path::new(output.file_name().unwrap_or(OsStr::new("")));
        Self {
            folder: real_folder(output),
            names: [name.to_owned(), crate::sink::parts_of(name), crate::sink::partial_of(name)],
        }
    }

    fn is(&self, path: &Path) -> bool {
        // The names are compared first: resolving a path costs system calls.
        let name = path.file_name().map(Path::new);
        self.names.iter().any(|own| Some(&**own) == name)
            && self.folder.is_some()
            && real_folder(path) == self.folder
    }
}

fn real_folder(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    let parent = if parent == Path::new("") { Path::new(".") } else { parent };
    fs::canonicalize(parent).ok()
}

fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[PathBuf], root: &Path) -> Vec<String> {
        let files = list(inputs, &root.join("out.parquet")).unwrap();
        files
            .iter()
            .map(|file| file.path().strip_prefix(root).unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn folders_are_walked_in_the_order_of_path_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for file in
            ["b/z.txt", "a/2", "a/10", "a-b", "B", "out.parquet", "out.parquet.parts/00000000.part"]
        {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "x").unwrap();
        }
        assert_eq!(names(&[root.to_owned()], root), ["B", "a-b", "a/10", "a/2", "b/z.txt"]);
        assert_eq!(names(&[root.join("b"), root.join("B")], root), ["b/z.txt", "B"]);
    }

    #[test]
    fn a_file_named_like_the_output_elsewhere_is_an_input() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("in/out.parquet"), "x").unwrap();
        assert_eq!(names(&[dir.path().join("in")], dir.path()), ["in/out.parquet"]);
    }

    #[test]
    fn what_cannot_be_read_is_said_before_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let error = |inputs: &[PathBuf]| {
            format!("{:#}", list(inputs, &dir.path().join("out.parquet")).unwrap_err())
        };
        assert!(error(&[dir.path().join("none")]).contains("none: "));
        assert!(error(&[dir.path().to_owned()]).ends_with("no file in this folder"));
        assert!(error(&["-".into(), "-".into()]).contains("named twice"));
        fs::write(dir.path().join("out.parquet"), "x").unwrap();
        assert!(error(&[dir.path().join("out.parquet")]).ends_with("also the output"));
    }
}

/// A file on its way between processes: its index and its path, once for many documents.
pub(crate) mod crossing {
    use std::ffi::OsString;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, PoisonError};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::InputFile;

    pub(crate) fn serialize<S: Serializer>(
        file: &Arc<InputFile>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        (file.index, file.path.as_os_str()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<InputFile>, D::Error> {
        /// Most documents are of the same file as the one before.
        static LAST: Mutex<Option<Arc<InputFile>>> = Mutex::new(None);

        let (index, path) = <(usize, OsString)>::deserialize(deserializer)?;
        let path = PathBuf::from(path);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*last
            && file.index == index
            && file.path == path
        {
            return Ok(Arc::clone(file));
        }
        // What tells a changed file from the same one is looked at before anything crosses.
        let file = Arc::new(InputFile { index, path, stamp: None });
        Ok(Arc::clone(last.insert(file)))
    }
}
