//! The program that children are, and how they find their way in it.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use super::{READY, SERVES, TestEntry, apart};
use crate::sync::Ordering;

/// Refuses to start children that would do what their parent does.
pub(super) fn may_spawn() -> io::Result<()> {
    if apart::is_child() && !SERVES.load(Ordering::Relaxed) {
        return Err(io::Error::other(
            "this process was started for a worker and has not come to `mtask::init()` or \
             `mtask::test_entry!()`: it goes no further, or each child would start others",
        ));
    }
    if READY.load(Ordering::Relaxed) || inventory::iter::<TestEntry>().next().is_some() {
        return Ok(());
    }
    Err(io::Error::other(
        "a worker's process is this program once more: make `mtask::init();` the first line of \
         `main`, or write `mtask::test_entry!();` in a test program",
    ))
}

/// The running program, also where its file was replaced.
pub(super) fn program() -> io::Result<PathBuf> {
    let linked = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && linked.exists() { Ok(linked) } else { std::env::current_exe() }
}

/// What a child has as its standard output until it comes to [`init`](super::init): what a worker prints is to
/// be seen, and not to be taken for the program's output; but what a test program says of its tests is
/// neither.
pub(super) fn stdout() -> Stdio {
    if entry_args().is_empty() { Stdio::from(io::stderr()) } else { Stdio::null() }
}

/// The arguments with which a child finds its way to [`init`](super::init).
pub(super) fn entry_args() -> Vec<&'static OsStr> {
    if READY.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let Some(TestEntry(path)) = inventory::iter::<TestEntry>().next() else { return Vec::new() };
    // The path of a test begins behind the name of its program.
    let name = path.split_once("::").map_or(*path, |(_, name)| name);
    // On the main thread, so that nothing waits for it and says so.
    ["--exact", name, "--nocapture", "--test-threads=1"].map(OsStr::new).into()
}
