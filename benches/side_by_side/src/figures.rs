//! What a run prints.

use std::fmt;
use std::time::Duration;

use crate::worker::Tokens;

/// One line that a person can read and `run.py` too.
#[derive(Debug)]
pub(crate) struct Figures {
    seconds: f64,
    after_building: f64,
    lines: usize,
    tokens: usize,
    crc32: u32,
}

impl Figures {
    /// `results` are in the order of the lines.
    pub(crate) fn new(whole: Duration, after_building: Duration, results: &[Tokens]) -> Self {
        let mut crc32 = crc32fast::Hasher::new();
        for (_, ids) in results {
            for id in ids {
                crc32.update(&id.to_le_bytes());
            }
        }
        Self {
            seconds: whole.as_secs_f64(),
            after_building: after_building.as_secs_f64(),
            lines: results.len(),
            tokens: results.iter().map(|(_, ids)| ids.len()).sum(),
            crc32: crc32.finalize(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, after_building, lines, tokens, crc32 } = self;
        write!(f, "seconds={seconds:.4} after_building={after_building:.4} ")?;
        write!(f, "lines={lines} tokens={tokens} crc32={crc32}")
    }
}
