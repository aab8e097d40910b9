//! Rows as JSON, one object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::group::Group;

/// The most bytes gathered for one write: a group may be large.
const CHUNK: usize = 256 * 1024;

#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: u64,
    ids: &'a [u32],
}

/// Writes whole rows at a time, so that a reader of a pipe is not left with half of one for long.
pub(super) fn write(to: &mut dyn Write, group: &Group) -> io::Result<()> {
    let mut bytes = Vec::new();
    for row in group.rows() {
        let row = Row { file: &row.file.name(), line: row.line, ids: row.ids };
        serde_json::to_writer(&mut bytes, &row)?;
        bytes.push(b'\n');
        if bytes.len() >= CHUNK {
            to.write_all(&bytes)?;
            bytes.clear();
        }
    }
    to.write_all(&bytes)?;
    to.flush()
}
