//! Results that the consumer has not taken.

#![allow(unsafe_code, reason = "inputs and results pass from thread to thread without a lock")]

use std::collections::VecDeque;
use std::mem;

use super::super::block::{Block, Phase};
use super::super::state::{Span, State};
use super::super::{Finished, StopWhen};
use crate::TaskError;
use crate::sync::Arc;

/// The places whose results the consumer has not taken, as far as it has heard of them. Results are
/// taken out here and nowhere else.
///
/// Out of order two spans may have a place in common: that of a claim, and that of another worker which
/// has stolen from it. So what was taken is noted in the block before another span is looked at.
pub(super) struct Unread<T, O> {
    ordered: bool,
    /// The places that are taken from now.
    current: Option<Span<T, O>>,
    /// The other places: in input order, of which the front is next; or claims in any order.
    spans: VecDeque<Span<T, O>>,
    /// The places of `current` before this one are done and not taken, from its next one on.
    done: usize,
    /// The places of `current` before this one have their cache lines on the way.
    fetched: usize,
    /// The places of `current` before this one are noted as taken.
    noted: usize,
    /// How many have been taken, as far as noted.
    taken: usize,
}

impl<T, O> Unread<T, O> {
    /// None yet.
    ///
    /// # Safety
    ///
    /// The bridge has no other one.
    pub(super) unsafe fn new(ordered: bool) -> Self {
        let (current, spans) = (None, VecDeque::new());
        Self { ordered, current, spans, done: 0, fetched: 0, noted: 0, taken: 0 }
    }

    /// Hears of the places that have come since.
    pub(super) fn hear(&mut self, state: &mut State<T, O>) {
        self.spans.extend(state.fresh.drain(..));
    }

    /// How many results have been taken, up to the last [`note`](Unread::note).
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The next result is known to be there.
    #[inline(always)]
    pub(super) fn has_ready(&self) -> bool {
        self.current.as_ref().is_some_and(|span| span.start < self.done)
    }

    /// Takes the next result, if it is known to be there.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<Finished<O>> {
        let span = self.current.as_mut().filter(|span| span.start < self.done)?;
        let at = span.start;
        span.start += 1;
        // SAFETY: there is one of these to the bridge, and it is borrowed mutably. The places from
        // `start` to `done` have been seen to be done and not taken, since the last time that `current`
        // was another one; and a place is behind `start` once it is taken.
        Some(unsafe { span.block.take_output(at) })
    }

    /// The next result is there, as far as that is cheap to see.
    pub(super) fn is_next_done(&self) -> bool {
        let next = self.current.iter().chain(self.spans.front()).find(|span| span.start < span.end);
        next.is_some_and(|span| matches!(span.block.phase(span.start), Phase::Done))
    }

    /// Notes what was taken, which [`take`](Unread::take) leaves undone so that it is cheap.
    pub(super) fn note(&mut self) {
        let Some(span) = &self.current else { return };
        span.block.note_taken(self.noted, span.start);
        self.taken += span.start - self.noted;
        self.noted = span.start;
    }

    /// How many places there are to look at, before one has to [turn](Unread::turn) to others.
    pub(super) fn left(&self) -> usize {
        self.current.as_ref().map_or(0, |span| span.end - span.start)
    }

    /// Looks how many of the next results are there, up to so many.
    pub(super) fn see(&mut self, most: usize) -> usize {
        let Some(span) = &self.current else { return 0 };
        let count = span.block.done(span.start, span.end.min(span.start + most));
        self.done = span.start + count;
        count
    }

    /// Turns to places of which the next is done: in input order the next ones, out of order any. Passes
    /// each block that it is through with to `let_go`.
    pub(super) fn turn(&mut self, let_go: impl Fn(Arc<Block<T, O>>)) -> bool {
        self.note();
        for _ in 0..=self.spans.len() {
            if let Some(span) = &mut self.current {
                while span.start < span.end {
                    match span.block.phase(span.start) {
                        Phase::Done => {
                            self.done = span.start + 1;
                            return true;
                        }
                        Phase::Pending if self.ordered => return false,
                        Phase::Pending => break,
                        Phase::Taken => {
                            // Through another span, of a worker that had stolen it.
                            span.start += 1;
                            self.noted = span.start;
                        }
                    }
                }
            }
            let next = self.spans.pop_front();
            self.noted = next.as_ref().map_or(0, |span| span.start);
            (self.done, self.fetched) = (self.noted, self.noted);
            let Some(span) = mem::replace(&mut self.current, next) else { continue };
            if span.start < span.end {
                self.spans.push_back(span);
            } else {
                let_go(span.block);
            }
        }
        false
    }

    /// Has the cache lines of what is ready on their way, and those of so many more places.
    pub(super) fn fetch(&mut self, ahead: usize) {
        let Some(span) = &self.current else { return };
        let (from, to) = (self.fetched.max(span.start), span.end.min(self.done + ahead));
        if from < to {
            span.block.fetch(from, to);
            self.fetched = to;
        }
    }

    /// The index of the first result for which `stop` holds, of those that are ready.
    pub(super) fn first_ready(&mut self, stop: StopWhen<O>) -> Option<usize> {
        let span = self.current.as_ref()?;
        first(span, span.start..self.done, stop)
    }

    /// The index of the first result for which `stop` holds, of all that are there.
    pub(super) fn first(&mut self, stop: StopWhen<O>) -> Option<usize> {
        self.note();
        let mut spans = self.current.iter().chain(&self.spans);
        spans.find_map(|span| first(span, span.start..span.end, stop))
    }

    /// All that was not taken, in input order: of the places heard of, and of `more`, those before the item `pulled`.
    /// Where there is no result, `lost` makes one of the index.
    pub(super) fn rest(
        &mut self,
        more: Vec<Span<T, O>>,
        pulled: usize,
        lost: impl Fn(usize) -> (Option<usize>, TaskError),
    ) -> VecDeque<Finished<O>> {
        self.note();
        let heard = self.current.take().into_iter().chain(self.spans.drain(..));
        let mut places: Vec<(usize, Arc<Block<T, O>>)> = Vec::new();
        for Span { block, start, end } in heard.chain(more) {
            let end = end.min(pulled.saturating_sub(block.base()));
            places.extend((start..end).map(|at| (block.base() + at, Arc::clone(&block))));
        }
        self.clear();
        places.sort_by_key(|(index, _)| *index);
        places.dedup_by_key(|(index, _)| *index);
        let mut rest = VecDeque::with_capacity(places.len());
        for (index, block) in places {
            let at = index - block.base();
            match block.phase(at) {
                Phase::Taken => {}
                Phase::Done => {
                    // SAFETY: there is one of these to the bridge, and it is borrowed mutably. The place has been
                    // seen to be done and not taken, and is noted as taken by the next line.
                    rest.push_back(unsafe { block.take_output(at) });
                    block.note_taken(at, at + 1);
                }
                Phase::Pending => {
                    let (worker, error) = lost(index);
                    rest.push_back(Finished { index: Some(index), worker, result: Err(error) });
                }
            }
        }
        rest
    }

    /// Lets go of all that was not taken.
    pub(super) fn clear(&mut self) {
        self.note();
        (self.done, self.fetched, self.noted) = (0, 0, 0);
        self.current = None;
        self.spans.clear();
    }
}

/// The index of the first result in some of a span's places for which `stop` holds.
fn first<T, O>(
    span: &Span<T, O>,
    mut places: std::ops::Range<usize>,
    stop: StopWhen<O>,
) -> Option<usize> {
    // SAFETY: called by the one that takes results, which is borrowed mutably meanwhile.
    let at = places.find(|&at| unsafe { span.block.is_done_with(at, stop) })?;
    Some(span.block.base() + at)
}

impl<T, O> Drop for Unread<T, O> {
    /// Whoever drops the blocks has to know what was taken.
    fn drop(&mut self) {
        self.clear();
    }
}
