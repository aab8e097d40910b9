//! The versions of what is measured, out of the lock file that the program was built with.

const LOCK: &str = include_str!("../../Cargo.lock");

/// A crate with its version; the standard library has the compiler's.
pub(crate) fn named(name: &str) -> String {
    match version(name) {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}

fn version(name: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    let name = format!("name = \"{name}\"");
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}
