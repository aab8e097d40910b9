//! Where progress is shown: the terminal's bars, and a log for where there is no terminal.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::sync::LazyLock;

/// The bars of this process that the caller gave no place of their own.
///
/// Two runs may be shown at once, one the source of the other: apart, they would overwrite each
/// other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

pub(super) fn shared_bars() -> MultiProgress {
    BARS.clone()
}

/// Where the bars and the lines of a run go.
pub(super) struct Screen {
    /// For bars without a place of their own.
    pub(super) bars: MultiProgress,
    /// Whether someone sees a bar there. Where one does, a bar that is hidden was hidden on
    /// purpose; where none does, indicatif hides every bar.
    pub(super) attended: bool,
    pub(super) log: Box<dyn Write + Send>,
}

impl Screen {
    /// Standard error, for bars as well as for lines.
    pub(super) fn stderr() -> Self {
        Self {
            bars: shared_bars(),
            attended: !ProgressDrawTarget::stderr().is_hidden(),
            log: Box::new(io::stderr()),
        }
    }
}
