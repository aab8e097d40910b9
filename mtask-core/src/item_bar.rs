//! A bar for one item, which its worker moves.

use std::fmt;
use std::ops::Deref;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::sync::Arc;

/// Where the bars of workers are shown.
pub(crate) trait BarPlace: Send + Sync {
    /// Shows a bar; false where there is no place for it.
    fn show(&self, bar: &ProgressBar, worker: usize) -> bool;

    /// Takes a bar off again.
    fn remove(&self, bar: &ProgressBar);
}

/// A bar for the item in hand, below that of the run; from [`Context::bar`](crate::Context::bar).
///
/// It is used like the [`ProgressBar`] that it stands for, and leaves the screen when it is dropped.
///
/// # Examples
///
/// ```
/// let context = mtask::Context::detached();
/// let bar = context.bar(3);
/// bar.set_message("pages");
/// bar.inc(1);
/// assert!(bar.is_hidden()); // there is no run, and so no bar of it on a terminal
/// assert_eq!((bar.position(), bar.length()), (1, Some(3)));
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
#[must_use = "it leaves the screen when it is dropped"]
pub struct ItemBar {
    bar: ProgressBar,
    /// `None` where nobody sees it.
    place: Option<Arc<dyn BarPlace>>,
}

impl ItemBar {
    pub(crate) fn new(place: Option<Arc<dyn BarPlace>>, worker: usize, length: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        let place = place.filter(|place| place.show(&bar, worker));
        Self { bar, place }
    }
}

impl Deref for ItemBar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.bar
    }
}

impl Drop for ItemBar {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            place.remove(&self.bar);
        }
    }
}

impl fmt::Debug for ItemBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ItemBar").field(&self.bar).finish()
    }
}
