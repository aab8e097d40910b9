//! Putting results into input order, as one does it by hand.

use std::collections::VecDeque;

/// Results that came before one that has to be yielded first.
pub(crate) struct Reorder<O> {
    early: VecDeque<Option<O>>,
    next: usize,
}

impl<O> Reorder<O> {
    pub(crate) fn new() -> Self {
        Self { early: VecDeque::new(), next: 0 }
    }

    pub(crate) fn insert(&mut self, index: usize, out: O) {
        let place = index - self.next;
        if place >= self.early.len() {
            self.early.resize_with(place + 1, || None);
        }
        self.early[place] = Some(out);
    }

    /// The result that is next in order, if it is here.
    pub(crate) fn pop(&mut self) -> Option<O> {
        let out = self.early.front_mut()?.take()?;
        self.early.pop_front();
        self.next += 1;
        Some(out)
    }
}
