//! What is there already under the output's name.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::{Earlier, Kind, parts};

/// What becomes of a file that has the output's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// The run is refused.
    Keep,
    /// The run is refused once it is seen to write something else.
    KeepOther,
    Replace,
}

/// Refuses a run whose output is there, before its work.
pub(super) fn refuse(
    output: &Path,
    kind: Kind,
    earlier: Earlier,
    existing: Existing,
) -> Result<()> {
    if kind == Kind::Stream
        || existing == Existing::Replace
        || fs::symlink_metadata(output).is_err()
    {
        return Ok(());
    }
    let shown = output.display();
    // A run that was killed between naming the output and removing its parts is continued, too.
    let is_unfinished = kind == Kind::Parts && parts::is_unfinished(output);
    match earlier {
        Earlier::Resume if !is_unfinished => {
            bail!("nothing to resume: {shown} is complete (--force writes it again)")
        }
        // What is unfinished is refused with its own words.
        Earlier::Resume | Earlier::Refuse if is_unfinished => Ok(()),
        _ => {
            ensure!(
                existing == Existing::KeepOther,
                "{shown} is there already: --force replaces it"
            );
            Ok(())
        }
    }
}

/// Refuses to name a finished file as the output where another is there by now.
pub(super) fn check(output: &Path, finished: &Path, replaces: bool) -> Result<()> {
    if !replaces && fs::symlink_metadata(output).is_ok() && !are_same(output, finished)? {
        bail!("{} is there already, and is another: --force replaces it", output.display());
    }
    Ok(())
}

fn are_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (here, there) = (one.fill_buf()?, other.fill_buf()?);
        let count = here.len().min(there.len());
        if here[..count] != there[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(here.len() == there.len());
        }
        one.consume(count);
        other.consume(count);
    }
}
