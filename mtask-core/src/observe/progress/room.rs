//! Room under a run's bar, for bars of its workers.

use console::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::display::coloured;
use crate::item_bar::BarPlace;
use crate::sync::{Mutex, lock};

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

impl BarPlace for Room {
    fn show(&self, bar: &ProgressBar, worker: usize) -> bool {
        match &*lock(&self.0) {
            // One of the caller's may have been taken out of its place.
            Some(place) if !place.above.is_hidden() => {
                bar.set_style(style());
                bar.set_prefix(format!("  worker {worker}"));
                // Drawn when it first moves: an item of a moment then draws nothing.
                place.bars.insert_after(&place.above, bar.clone());
                true
            }
            _ => false,
        }
    }

    fn remove(&self, bar: &ProgressBar) {
        match &*lock(&self.0) {
            // The next drawing, of whichever bar, is without it.
            Some(place) => place.bars.remove(bar),
            // There may be no other: the run has ended without its worker.
            None => bar.finish_and_clear(),
        }
    }
}

fn style() -> ProgressStyle {
    let bar = coloured(Style::new().cyan(), "{wide_bar}");
    ProgressStyle::with_template(&format!("{{prefix}} {bar} {{human_pos}}/{{human_len}} {{msg}}"))
        .expect("a template of our own")
        .progress_chars("━╸─")
}
