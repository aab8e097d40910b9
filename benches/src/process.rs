//! What the kernel tells about this process.

use std::fs;
use std::io;

/// Memory, as `/proc/self/status` names it, in MiB.
fn memory(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    of_status(&status, field).unwrap_or(f64::NAN)
}

/// A field of `/proc/<pid>/status` that is given in KiB, in MiB.
pub(crate) fn of_status(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// The resident memory now, in MiB; the peak counts from here.
pub(crate) fn start_of_peak() -> io::Result<f64> {
    fs::write("/proc/self/clear_refs", "5")?;
    Ok(memory("VmRSS"))
}

/// The most resident memory there was, in MiB.
pub(crate) fn peak() -> f64 {
    memory("VmHWM")
}

/// How many threads there are.
pub(crate) fn threads() -> f64 {
    tasks().count() as f64
}

/// The time that the threads alive now have spent on a processor, in nanoseconds.
///
/// Finer than the clock ticks of `/proc/self/stat`, and it needs no call outside the standard
/// library.
pub(crate) fn cpu_ns() -> f64 {
    tasks()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<f64>().ok())
        .sum()
}

fn tasks() -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir("/proc/self/task").into_iter().flatten().flatten()
}
