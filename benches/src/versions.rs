//! The versions of what is measured, out of the workspace's lock file.

use std::fs;

const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");

/// A crate with its version, where the lock file has one: the standard library has the compiler's.
pub(crate) fn named(name: &str) -> String {
    match version(&fs::read_to_string(LOCK).unwrap_or_default(), name) {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}

fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    let name = format!("name = \"{name}\"");
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}
