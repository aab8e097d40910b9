//! Results on their way to the consumer.

use std::collections::VecDeque;

use super::{Finished, StopWhen};

/// Finished items that the consumer has not taken yet.
pub(super) enum Results<O> {
    /// A ring with a place for each item in flight, in input order; the front is the item that
    /// the consumer wants next, at index `base`.
    Ordered { base: usize, slots: VecDeque<Option<Finished<O>>> },
    /// In the order in which they were finished.
    Unordered(VecDeque<Finished<O>>),
}

impl<O> Results<O> {
    pub(super) fn new(ordered: bool) -> Self {
        if ordered {
            Self::Ordered { base: 0, slots: VecDeque::new() }
        } else {
            Self::Unordered(VecDeque::new())
        }
    }

    /// Makes a place for the item pulled last.
    pub(super) fn reserve(&mut self) {
        if let Self::Ordered { slots, .. } = self {
            slots.push_back(None);
        }
    }

    /// Puts the result of the item at `index` into its place.
    pub(super) fn put(&mut self, index: usize, finished: Finished<O>) {
        match self {
            Self::Ordered { base, slots } => slots[index - *base] = Some(finished),
            Self::Unordered(queue) => queue.push_back(finished),
        }
    }

    /// True where [`take`](Results::take) has a result to give.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Ordered { slots, .. } => matches!(slots.front(), Some(Some(_))),
            Self::Unordered(queue) => !queue.is_empty(),
        }
    }

    pub(super) fn take(&mut self) -> Option<Finished<O>> {
        match self {
            Self::Ordered { base, slots } => {
                let finished = slots.front_mut()?.take()?;
                slots.pop_front();
                *base += 1;
                Some(finished)
            }
            Self::Unordered(queue) => queue.pop_front(),
        }
    }

    /// The index of the first result, as the consumer will see them, for which `stop` holds.
    pub(super) fn first_that(&self, stop: StopWhen<O>) -> Option<usize> {
        let holds = |finished: &&Finished<O>| stop(&finished.result);
        let first = match self {
            Self::Ordered { slots, .. } => slots.iter().flatten().find(holds),
            Self::Unordered(queue) => queue.iter().find(holds),
        };
        first.and_then(|finished| finished.index)
    }

    pub(super) fn drain(&mut self) -> Vec<Finished<O>> {
        match self {
            Self::Ordered { slots, .. } => slots.drain(..).flatten().collect(),
            Self::Unordered(queue) => queue.drain(..).collect(),
        }
    }
}
