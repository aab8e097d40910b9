//! What changes from claim to claim, all of it under one lock.

use std::any::Any;
use std::collections::VecDeque;

use super::block::{Block, Filler, Phase};
use super::{Plan, StopWhen};
use crate::TaskError;
use crate::sync::{Arc, AtomicUsize, Ordering};

/// Places next to each other in a block.
pub(super) struct Span<T, O> {
    pub(super) block: Arc<Block<T, O>>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<T, O> Span<T, O> {
    /// The index of the first item.
    pub(super) fn index(&self) -> usize {
        self.block.base() + self.start
    }
}

/// What a worker has claimed.
pub(super) struct Held<T, O> {
    pub(super) block: Arc<Block<T, O>>,
    /// Its places, those stolen since included.
    pub(super) start: usize,
    pub(super) end: usize,
    /// It does not look at every item whether it is to wake the consumer.
    pub(super) quick: bool,
    /// Its worker was not built when it was claimed.
    pub(super) unsure: bool,
    /// How many claims there had been before.
    pub(super) since: usize,
}

pub(super) struct State<T, O> {
    plan: Plan,
    /// Unclaimed places before those of `filling`; the front is to be claimed next.
    pub(super) spans: VecDeque<Span<T, O>>,
    /// The block that the source fills.
    filling: Option<Arc<Block<T, O>>>,
    /// The right to fill it, unless the thread in the source has that.
    filler: Option<Filler<T, O>>,
    /// How many places of `filling` have been claimed.
    claimed: usize,
    /// What the consumer has yet to be told of: blocks in input order, or claims in theirs.
    pub(super) fresh: Vec<Span<T, O>>,
    /// The workers whose side has been given out.
    pub(super) sides: Box<[bool]>,
    /// What each worker has in hand.
    held: Vec<Option<Held<T, O>>>,
    /// Workers with a claim.
    pub(super) running: usize,
    /// Those of them that are quick.
    pub(super) quick: usize,
    /// Those of them that are not built: what they have claimed may come back.
    pub(super) unsure: usize,
    /// Claims so far.
    pub(super) claims: usize,
    /// A thread is inside the source.
    pub(super) in_source: bool,
    /// It is the only worker's, which runs what it pulls: nothing of the block that is filled is to be claimed.
    alone: bool,
    /// That worker runs an item. Written by it without the lock, after the result (Release); read (Acquire) before the
    /// last results are looked at.
    at_work: Arc<AtomicUsize>,
    /// The thread in the source does not look at every item whether it is to wake a worker.
    pub(super) quick_turn: bool,
    /// The source has ended, or panicked: it is not asked again.
    pub(super) source_ended: bool,
    pub(super) source_panic: Option<Box<dyn Any + Send>>,
    pub(super) stop_when: Option<StopWhen<O>>,
    /// Items from this index on are not claimed any more.
    pub(super) stop: Option<usize>,
    pub(super) cancelled: bool,
    /// Nothing more is pulled, by the caller's wish: what was pulled is all there is.
    pub(super) closed: bool,
    /// Worker loops that still may run an item.
    pub(super) active: usize,
    /// Those of them that claim nothing for now, since their worker could not be built.
    pub(super) away: usize,
    /// Workers that have not reported their build yet, where all are built at the start.
    pub(super) unbuilt: usize,
    /// The first worker that could not be built at the start.
    pub(super) build_error: Option<(usize, TaskError)>,
    /// Workers that have found nothing to do, asleep or about to look again.
    pub(super) idle: usize,
    /// The consumer sleeps until there is a heap of results.
    pub(super) napping: bool,
    /// Sleepers that have been woken and have not noticed yet.
    pub(super) woken: usize,
}

impl<T, O> State<T, O> {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            plan: *plan,
            spans: VecDeque::new(),
            filling: None,
            filler: None,
            claimed: 0,
            fresh: Vec::new(),
            sides: (0..plan.workers).map(|_| false).collect(),
            held: (0..plan.workers).map(|_| None).collect(),
            running: 0,
            quick: 0,
            unsure: 0,
            claims: 0,
            in_source: false,
            alone: false,
            at_work: Arc::new(AtomicUsize::new(0)),
            quick_turn: false,
            source_ended: false,
            source_panic: None,
            stop_when: None,
            stop: None,
            cancelled: false,
            closed: false,
            active: plan.workers,
            away: 0,
            unbuilt: if plan.build_now { plan.workers } else { 0 },
            build_error: None,
            idle: 0,
            napping: false,
            woken: 0,
        }
    }

    /// Items pulled from the source so far; the next one has this index.
    pub(super) fn pulled(&self) -> usize {
        self.filling.as_ref().map_or(0, |block| block.base() + block.filled())
    }

    /// Takes out the right to fill the block for the next item, for the thread that goes into the source:
    /// the `spare` one where a new one is needed. `None` while another thread has it.
    pub(super) fn take_filler(
        &mut self,
        spare: &mut Option<Arc<Block<T, O>>>,
    ) -> Option<Filler<T, O>> {
        match self.filler.take() {
            Some(filler) if !filler.is_full() => return Some(filler),
            None if self.filling.is_some() => return None,
            _ => {}
        }
        let block = spare.take().unwrap_or_else(|| Arc::new(Block::new()));
        let filler = Filler::new(block, self.pulled());
        let (start, end) = (self.claimed, Block::<T, O>::LEN);
        let full = self.filling.replace(Arc::clone(filler.block()));
        if let Some(block) = full.filter(|_| start < end) {
            self.spans.push_back(Span { block, start, end });
        }
        self.claimed = 0;
        if self.plan.ordered {
            let (start, end) = (0, Block::<T, O>::LEN);
            self.fresh.push(Span { block: Arc::clone(filler.block()), start, end });
        }
        Some(filler)
    }

    /// Puts it back, for the next thread that goes into the source.
    pub(super) fn put_filler(&mut self, filler: Filler<T, O>) {
        self.filler = Some(filler);
    }

    /// Puts back what a worker has claimed and not begun, to be claimed before all else.
    pub(super) fn put_back(&mut self, block: Arc<Block<T, O>>, start: usize, end: usize) {
        self.spans.push_front(Span { block, start, end });
    }

    /// The first unclaimed place, and how many are next to it.
    fn first(&self) -> Option<(usize, usize)> {
        if let Some(span) = self.spans.front() {
            return Some((span.index(), span.end - span.start));
        }
        let block = self.filling.as_ref().filter(|_| !self.alone)?;
        let count = block.filled() - self.claimed;
        (count > 0).then_some((block.base() + self.claimed, count))
    }

    /// How many places may be claimed in one piece.
    pub(super) fn claimable(&self) -> usize {
        match (self.first(), self.stop) {
            (Some((_, count)), None) if self.unbuilt == 0 => count,
            (Some((index, count)), Some(stop)) if self.unbuilt == 0 => {
                count.min(stop.saturating_sub(index))
            }
            _ => 0,
        }
    }

    /// Takes out what a worker may claim next, at most `most` places and no more than leaves
    /// the idle ones a share.
    pub(super) fn next_span(&mut self, most: usize) -> Option<Span<T, O>> {
        // What was put back is not sorted: behind one that comes too late may be one that does not.
        if let Some(stop) = self.stop {
            if let Some(at) = self.spans.iter().position(|span| span.index() < stop) {
                self.spans.swap(0, at);
            }
        }
        let count = self.claimable().div_ceil(1 + self.idle).min(most);
        if count == 0 {
            return None;
        }
        let Some(span) = self.spans.front_mut() else {
            let block = Arc::clone(self.filling.as_ref()?);
            let start = self.claimed;
            self.claimed += count;
            return Some(Span { block, start, end: start + count });
        };
        let (start, end) = (span.start, span.start + count);
        if end < span.end {
            span.start = end;
            return Some(Span { block: Arc::clone(&span.block), start, end });
        }
        self.spans.pop_front()
    }

    /// The places that no worker has claimed, or that were put back.
    pub(super) fn unclaimed(&self) -> Vec<Span<T, O>> {
        let filling = self.filling.iter().map(|block| (block, self.claimed, block.filled()));
        let spans =
            self.spans.iter().map(|span| (&span.block, span.start, span.end)).chain(filling);
        spans.map(|(block, start, end)| Span { block: Arc::clone(block), start, end }).collect()
    }

    /// Notes that a worker has claimed a span.
    pub(super) fn hold(&mut self, worker: usize, span: &Span<T, O>, quick: bool, built: bool) {
        if !self.plan.ordered {
            let Span { ref block, start, end } = *span;
            self.fresh.push(Span { block: Arc::clone(block), start, end });
        }
        debug_assert!(self.held[worker].is_none(), "worker {worker} holds a claim already");
        debug_assert!(
            span.start < span.end && span.end <= span.block.filled(),
            "worker {worker} claims the places {} to {}, and {} are filled",
            span.start,
            span.end,
            span.block.filled(),
        );
        let Span { ref block, start, end } = *span;
        let (block, unsure, since) = (Arc::clone(block), !built, self.claims);
        self.held[worker] = Some(Held { block, start, end, quick, unsure, since });
        self.claims += 1;
        self.running += 1;
        self.quick += usize::from(quick);
        self.unsure += usize::from(unsure);
    }

    /// Notes that a worker is through with its claim. Its block is not dropped here for good: the
    /// worker has it too.
    pub(super) fn finish(&mut self, worker: usize) {
        self.take_held(worker);
    }

    fn take_held(&mut self, worker: usize) -> Option<Held<T, O>> {
        let held = self.held[worker].take()?;
        self.running -= 1;
        self.quick -= usize::from(held.quick);
        self.unsure -= usize::from(held.unsure);
        Some(held)
    }

    /// What a worker holds, from which others may steal.
    pub(super) fn held(&self, worker: usize) -> Option<&Held<T, O>> {
        self.held[worker].as_ref()
    }

    /// What all workers hold.
    pub(super) fn all_held(&self) -> impl Iterator<Item = &Held<T, O>> {
        self.held.iter().flatten()
    }

    /// How old that is, in claims.
    pub(super) fn age(&self, held: &Held<T, O>) -> usize {
        self.claims - held.since
    }

    /// With debug assertions: all of this agrees with itself, and with how many workers are `asleep`.
    pub(super) fn check(&self, asleep: usize) {
        if !cfg!(debug_assertions) {
            return;
        }
        let workers = self.plan.workers;
        let held = |is: fn(&Held<T, O>) -> bool| self.all_held().filter(move |held| is(held));
        assert_eq!(self.running, held(|_| true).count(), "workers with a claim");
        let quick = held(|held| held.quick).count() + usize::from(self.alone);
        assert_eq!(self.quick, quick, "workers with a quick claim, or alone at the source");
        assert_eq!(self.unsure, held(|held| held.unsure).count(), "workers that are not built");
        assert_eq!(self.idle, asleep + self.woken, "idle workers are asleep, or woken");
        for (what, count) in [
            ("idle", self.idle),
            ("active", self.active),
            ("away", self.away),
            ("not reported", self.unbuilt),
        ] {
            assert!(count <= workers, "{count} of {workers} workers are {what}");
        }
        assert!(self.idle + self.running <= workers, "a worker that is idle has a claim");
        let has_puller = self.in_source || self.plan.fed;
        assert!(!self.quick_turn || has_puller, "a quick turn with nobody in the source");
        assert!(
            !self.in_source || self.filler.is_none(),
            "in the source, without the right to fill"
        );
        let filled = self.filling.as_ref().map_or(0, |block| block.filled());
        assert!(self.claimed <= filled, "{} places claimed, {filled} filled", self.claimed);
        for Span { block, start, end } in &self.spans {
            let filled = block.filled();
            assert!(start < end && *end <= filled, "{start} to {end} unclaimed, {filled} filled");
        }
    }

    /// The first item of each claim that has no result, with the number of the worker that has claimed it: the one
    /// in progress, since results are published in order.
    pub(super) fn in_progress(&self) -> Vec<(usize, usize)> {
        let first = |held: &Held<T, O>| {
            let at = (held.start..held.end)
                .find(|&at| matches!(held.block.phase(at), Phase::Pending))?;
            Some(held.block.base() + at)
        };
        let held = self.held.iter().enumerate();
        let alone = self.at_work_on().map(|index| (0, index));
        alone
            .into_iter()
            .chain(held.filter_map(|(worker, held)| Some((worker, first(held.as_ref()?)?))))
            .collect()
    }

    /// A worker is at a claim in which it does not look at every item whether it is to wake the
    /// consumer.
    pub(super) fn is_quick(&self) -> bool {
        self.quick > 0
    }

    /// Keeps items from `index` on from being claimed, and any item from being pulled.
    ///
    /// In input order those before it still count: they come before the error. Out of order
    /// nothing more needs to run. Gives the index from which on nothing is run.
    pub(super) fn stop_at(&mut self, index: usize) -> usize {
        let stop = if self.plan.ordered { index } else { 0 };
        let stop = self.stop.map_or(stop, |before| before.min(stop));
        self.stop = Some(stop);
        stop
    }

    /// The only worker goes to the source, and runs what it pulls. Gives where it notes that it runs an item.
    pub(super) fn begin_alone(&mut self) -> Arc<AtomicUsize> {
        (self.in_source, self.alone) = (true, true);
        self.quick += 1;
        Arc::clone(&self.at_work)
    }

    /// It is back, through with the items before `next`.
    ///
    /// # Safety
    ///
    /// No place from `next` on has a result.
    #[allow(unsafe_code, reason = "it says which results are not inputs to be claimed")]
    pub(super) unsafe fn end_alone(&mut self, next: usize) {
        (self.in_source, self.alone) = (false, false);
        self.quick -= 1;
        if let Some(block) = &self.filling {
            self.claimed = next - block.base();
        }
    }

    /// The index of the item that the only worker runs, whose place is not filled before it is done.
    pub(super) fn at_work_on(&self) -> Option<usize> {
        let index = self.at_work.load(Ordering::Acquire).checked_sub(1)?;
        // It may have been put into its place since.
        (self.alone && index == self.pulled()).then_some(index)
    }

    /// The only worker runs an item that it has just pulled.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.load(Ordering::Acquire) != 0
    }

    /// There is a use for an item.
    pub(super) fn wants_items(&self) -> bool {
        !self.is_closed() && self.unbuilt == 0
    }

    /// Nothing will be pulled any more.
    pub(super) fn is_closed(&self) -> bool {
        self.source_ended || self.stop.is_some() || self.closed || self.cancelled
    }

    /// A worker that finds nothing to do has nothing to wait for. A source that blocks is not waited for
    /// where the caller wants no more of it; a worker that is being built may give its item back.
    pub(super) fn is_drained(&self) -> bool {
        let may_come = (self.in_source && !self.closed) || self.unsure > 0;
        self.cancelled || (self.is_closed() && self.claimable() == 0 && !may_come)
    }

    /// No result will come any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancelled || (self.running == 0 && !self.is_at_work() && self.is_drained())
    }

    /// Takes out everything that may still hold items.
    pub(super) fn clear(&mut self) -> Vec<Arc<Block<T, O>>> {
        let held = (0..self.plan.workers).filter_map(|worker| self.take_held(worker));
        let mut blocks: Vec<_> = held.map(|held| held.block).collect();
        blocks.extend(self.spans.drain(..).chain(self.fresh.drain(..)).map(|span| span.block));
        blocks.extend(self.filling.take());
        blocks.extend(self.filler.take().map(Filler::into_block));
        self.claimed = 0;
        blocks
    }
}
