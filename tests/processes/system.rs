//! What the system knows of processes, and folders to leave notes in.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal, kill_process};

use crate::util::eventually;

#[cfg(target_os = "linux")]
pub(crate) fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid as i32).expect("no process has the number 0");
    // One that is gone already is no matter.
    let _ = kill_process(pid, signal);
}

/// A folder that is removed with its guard.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mtask-test-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("temporary folders have plain names").to_owned()
    }

    /// Waits until a file of this name is there, with something in it.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str) -> String {
        let mut text = String::new();
        eventually("the file is written", || {
            text = fs::read_to_string(self.path(name)).unwrap_or_default();
            !text.is_empty()
        });
        text
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The children of a process: their numbers, and the letters for their states.
#[cfg(target_os = "linux")]
pub(crate) fn children(parent: u32) -> Vec<(u32, char)> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let (state, its_parent) = state(pid)?;
        (its_parent == parent).then_some((pid, state))
    });
    processes.collect()
}

/// The letter for the state of a process, and its parent; `None` where there is none.
#[cfg(target_os = "linux")]
fn state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have anything in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether there is such a process that does anything.
#[cfg(target_os = "linux")]
pub(crate) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// What the descriptors of a process stand for.
#[cfg(target_os = "linux")]
pub(crate) fn descriptors() -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, fs::read_link(entry.path()).ok()?.to_str()?.to_owned()))
    });
    entries.collect()
}
