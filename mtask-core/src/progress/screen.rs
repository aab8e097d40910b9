//! Where progress is shown: the bars of a terminal or a notebook, and a log elsewhere.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::notebook;
use crate::sync::LazyLock;

/// The bars of this process that the caller gave no place of their own.
///
/// Two runs may be shown at once, one the source of the other: apart, they would overwrite each
/// other.
static BARS: LazyLock<MultiProgress> = LazyLock::new(|| {
    if is_notebook() {
        MultiProgress::with_draw_target(notebook::draw_to(io::stderr()))
    } else {
        MultiProgress::new()
    }
});

fn is_attended() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

fn is_notebook() -> bool {
    !is_attended() && notebook::is_here()
}

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
    /// Whether it is a notebook, which may keep every drawing of a bar.
    pub(super) notebook: bool,
    pub(super) log: Box<dyn Write + Send>,
}

impl Screen {
    /// Standard error, for bars as well as for lines.
    pub(super) fn stderr() -> Self {
        Self {
            bars: shared_bars(),
            attended: is_attended(),
            notebook: is_notebook(),
            log: Box::new(io::stderr()),
        }
    }
}
