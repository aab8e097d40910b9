//! Which files are read, and in which order.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::file_id::FileId;
use crate::sink;

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
    #[serde(skip)]
    id: Option<FileId>,
}

/// The size in bytes and the time of the last change, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stamp {
    size: u64,
    modified: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        // A platform without modification times still has the size to go by.
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { size: metadata.len(), modified: since.map_or(0, |since| since.as_nanos() as u64) }
    }

    pub(crate) fn size(self) -> u64 {
        self.size
    }
}

impl InputFile {
    fn new(index: usize, path: PathBuf) -> Result<Self> {
        let (mut stamp, mut id) = (None, None);
        if path == Path::new("-") {
            id = FileId::of_stdin();
        } else {
            let metadata = metadata(&path)?;
            if metadata.is_file() {
                (stamp, id) = (Some(Stamp::of(&metadata)), FileId::of(&path, &metadata));
            }
        }
        Ok(Self { index, path, stamp, id })
    }

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
        self.stamp.map(Stamp::size)
    }

    /// `None` for what is no regular file.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Which file it is, by whatever name; `None` for what is no regular file.
    pub(crate) fn id(&self) -> Option<&FileId> {
        self.id.as_ref()
    }
}

/// The inputs of a run.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<Arc<InputFile>>,
    /// What cannot be looked at, and why: only where such files are to be skipped.
    pub(crate) unreadable: Vec<String>,
    /// What is not read though it lies in a folder that is.
    pub(crate) left_out: Vec<String>,
}

/// The files that `inputs` name: each input in its place, the files of a folder sorted by the
/// bytes of their paths. Hidden files of a folder are left out, and so is what this program writes
/// there: `output` and what lies beside it.
///
/// # Errors
///
/// An input that does not exist or cannot be looked at, unless those are to be skipped, and a
/// folder without a file: all of them now, rather than after hours of work.
pub(crate) fn list(
    inputs: &[PathBuf],
    output: Option<&Path>,
    skip_unreadable: bool,
) -> Result<Listing> {
    let own = output.map(Own::new);
    let mut walk =
        Walk { own, skip_unreadable, hidden: 0, found: Vec::new(), listing: Listing::default() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for input in inputs {
        if input == Path::new("-") {
            ensure!(
                !paths.contains(input),
                "standard input (-) can be read once, and is named twice"
            );
            paths.push(input.clone());
        } else if let Some(metadata) = walk.try_to(metadata(input))? {
            if metadata.is_dir() {
                walk.folder(input)?;
                let files = &mut walk.found;
                ensure!(
                    !files.is_empty() || skip_unreadable,
                    "{}: no file in this folder (hidden ones are not read)",
                    input.display()
                );
                files.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
                paths.append(files);
            } else if walk.own.as_ref().is_some_and(|own| own.is(input)) {
                bail!("{}: this input is also the output", input.display());
            } else {
                paths.push(input.clone());
            }
        }
    }
    let Walk { hidden, mut listing, .. } = walk;
    if hidden > 0 {
        listing.left_out.push(format!(
            "{hidden} hidden files and folders are not read: name them to read them"
        ));
    }
    for path in paths {
        let file = InputFile::new(listing.files.len(), path);
        match file {
            Ok(file) => listing.files.push(Arc::new(file)),
            Err(error) if skip_unreadable => listing.unreadable.push(format!("{error:#}")),
            Err(error) => return Err(error),
        }
    }
    ensure!(!listing.files.is_empty(), "no input can be read: {}", listing.unreadable.join("; "));
    Ok(listing)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A folder's files, as they are found.
struct Walk {
    own: Option<Own>,
    skip_unreadable: bool,
    hidden: usize,
    found: Vec<PathBuf>,
    listing: Listing,
}

impl Walk {
    /// Adds the files below `folder`. A link to a folder is not followed: it may lead round in a
    /// circle.
    fn folder(&mut self, folder: &Path) -> Result<()> {
        let unreadable = || format!("cannot read the folder {}", folder.display());
        let Some(entries) = self.try_to(fs::read_dir(folder).with_context(unreadable))? else {
            return Ok(());
        };
        for entry in entries {
            let Some(entry) = self.try_to(entry.with_context(unreadable))? else { continue };
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.hidden += 1;
            } else if self.own.as_ref().is_some_and(|own| own.is(&path)) {
                self.listing.left_out.push(format!("{} is written, and not read", path.display()));
            } else {
                self.entry(path, entry.file_type().with_context(unreadable))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, kind: Result<fs::FileType>) -> Result<()> {
        let Some(kind) = self.try_to(kind)? else { return Ok(()) };
        if kind.is_dir() {
            return self.folder(&path);
        }
        let is_file = kind.is_file()
            || (kind.is_symlink()
                && self.try_to(metadata(&path))?.is_some_and(|leads_to| leads_to.is_file()));
        if is_file {
            self.found.push(path);
        }
        Ok(())
    }

    /// `None` where it failed and is to be skipped.
    fn try_to<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.skip_unreadable => {
                self.listing.unreadable.push(format!("{error:#}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The names under which this program writes, perhaps among its inputs.
struct Own(Vec<(Option<PathBuf>, PathBuf)>);

impl Own {
    /// The output by the name that is given, and what lies beside the file that this leads to. That
    /// file itself is an input where a folder has it, and then refused.
    fn new(output: &Path) -> Self {
        let file = sink::behind_links(output);
        let paths = [output.to_owned(), sink::parts_of(&file), sink::partial_of(&file)];
        let place = |path: PathBuf| (real_folder(&path), file_name(&path).to_owned());
        Self(paths.map(place).into())
    }

    fn is(&self, path: &Path) -> bool {
        // The names are compared first: resolving a path costs system calls.
        self.0.iter().any(|(folder, name)| {
            name == file_name(path) && folder.is_some() && real_folder(path) == *folder
        })
    }
}

fn file_name(path: &Path) -> &Path {
    Path::new(path.file_name().unwrap_or(OsStr::new("")))
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
        let listing = list(inputs, Some(&root.join("out.parquet")), false).unwrap();
        listing
            .files
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
    fn hidden_files_of_a_folder_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.txt", ".b.txt", ".git/HEAD", "c/.DS_Store", "c/d.txt"] {
            fs::create_dir_all(dir.path().join(file).parent().unwrap()).unwrap();
            fs::write(dir.path().join(file), "x").unwrap();
        }
        let root = dir.path();
        assert_eq!(names(&[root.to_owned()], root), ["a.txt", "c/d.txt"]);
        assert_eq!(names(&[root.join(".b.txt"), root.join(".git")], root), [".b.txt", ".git/HEAD"]);
        let listing = list(&[root.to_owned()], None, false).unwrap();
        assert_eq!(listing.left_out.len(), 1);
        assert!(listing.left_out[0].starts_with("3 hidden files"), "{:?}", listing.left_out);
    }

    #[test]
    #[cfg(unix)]
    fn what_cannot_be_looked_at_can_be_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("a"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("b")).unwrap();
        let inputs = [root.join("none"), root.to_owned()];
        let listing = list(&inputs, None, true).unwrap();
        assert_eq!(listing.files.len(), 1);
        let [none, link] = &*listing.unreadable else { panic!("{:?}", listing.unreadable) };
        assert!(none.contains("none: ") && link.contains("b: "), "{none}, {link}");
        assert!(list(&inputs[..1], None, true).is_err());
        assert!(list(&inputs[1..], None, false).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_said_before_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let error = |inputs: &[PathBuf]| {
            let output = dir.path().join("out.parquet");
            format!("{:#}", list(inputs, Some(&output), false).unwrap_err())
        };
        assert!(error(&[dir.path().join("none")]).contains("none: "));
        assert!(error(&[dir.path().to_owned()]).contains("no file in this folder"));
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
        let file = Arc::new(InputFile { index, path, stamp: None, id: None });
        Ok(Arc::clone(last.insert(file)))
    }
}
