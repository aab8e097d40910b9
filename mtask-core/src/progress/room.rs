//! Room under a run's bar, for bars of its workers.

use std::fmt;
use std::ops::Deref;

use console::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::display::coloured;
use crate::sync::{Arc, Mutex, lock};

/// Where the workers of a run may show bars: nowhere any more, once it has ended.
pub(crate) struct Room(Mutex<Option<Place>>);

/// A place on a terminal.
struct Place {
    bars: MultiProgress,
    /// The bar above.
    above: ProgressBar,
}

impl Room {
    pub(super) fn under(above: ProgressBar, bars: MultiProgress) -> Self {
        Self(Mutex::new(Some(Place { bars, above })))
    }

    pub(super) fn close(&self) {
        *lock(&self.0) = None;
    }
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
pub struct ItemBar {
    bar: ProgressBar,
    /// `None` where nobody sees it.
    room: Option<Arc<Room>>,
}

impl ItemBar {
    pub(crate) fn new(room: Option<&Arc<Room>>, worker: usize, length: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        let Some(room) = room else { return Self { bar, room: None } };
        let place = lock(&room.0);
        match &*place {
            // One of the caller's may have been taken out of its place.
            Some(place) if !place.above.is_hidden() => {
                bar.set_style(style());
                bar.set_prefix(format!("  worker {worker}"));
                // Drawn when it first moves: an item of a moment then draws nothing.
                place.bars.insert_after(&place.above, bar.clone());
                Self { bar, room: Some(Arc::clone(room)) }
            }
            _ => Self { bar, room: None },
        }
    }
}

fn style() -> ProgressStyle {
    let bar = coloured(Style::new().cyan(), "{wide_bar}");
    ProgressStyle::with_template(&format!("{{prefix}} {bar} {{human_pos}}/{{human_len}} {{msg}}"))
        .expect("a template of our own")
        .progress_chars("━╸─")
}

impl Deref for ItemBar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.bar
    }
}

impl Drop for ItemBar {
    fn drop(&mut self) {
        let Some(room) = &self.room else { return };
        match &*lock(&room.0) {
            // The next drawing, of whichever bar, is without it.
            Some(place) => place.bars.remove(&self.bar),
            // There may be no other: the run has ended without its worker.
            None => self.bar.finish_and_clear(),
        }
    }
}

impl fmt::Debug for ItemBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ItemBar").field(&self.bar).finish()
    }
}
