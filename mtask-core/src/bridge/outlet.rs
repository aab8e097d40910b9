//! The consumer's side.

#[cfg(feature = "stream")]
mod poll;
mod unread;

#[cfg(feature = "stream")]
pub(crate) use poll::PollPull;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::block::Block;
use super::signals::{ANYTHING, NOBODY};
use super::tuning;
use super::turn::Pull;
use super::window::Window;
use super::{Bridge, Finished, StopWhen};
use crate::TaskError;
use crate::sync::{Arc, Ordering, fence, lock, yield_now};
use unread::Unread;

/// Where results come out; there is one to a bridge.
pub(crate) struct Outlet<T, O> {
    bridge: Arc<Bridge<T, O>>,
    /// What it has not taken. What it has taken of that is noted when it comes back, and is then no longer
    /// in flight: the one that is on its way out of `next()` still is, so that the bound holds for an
    /// observer who counts after `next()` has returned.
    unread: Unread<T, O>,
    window: Window,
    /// A block to feed into, made while the lock was not held.
    spare: Option<Arc<Block<T, O>>>,
    /// After how many items the others are told.
    step: usize,
    /// Of how many results that were taken the others have been told.
    told: usize,
    /// How often it has looked in vain since the last result.
    looks: u32,
    stop_when: Option<StopWhen<O>>,
    /// The bridge has been closed.
    closed: bool,
    /// The most items that were in flight when the consumer looked.
    most_in_flight: usize,
    /// The consumer's task has been told to wait.
    #[cfg(feature = "stream")]
    awaited: bool,
}

/// What is in flight at an abort.
pub(crate) struct Rest<O> {
    pub(crate) items: VecDeque<Finished<O>>,
    /// How many items were pulled in all.
    pub(crate) pulled: usize,
}

/// What the consumer finds.
enum Look<O> {
    /// The next result.
    Ready(Finished<O>),
    /// Nothing yet.
    Pending,
    /// Nothing any more.
    Over,
}

/// What comes of saying what the consumer waits for.
enum Watch {
    /// The next result is there.
    Found,
    /// The run is over.
    Over,
    /// The consumer will be woken; by a worker at a `quick` claim it may be late.
    On { quick: bool },
}

impl<T, O> Outlet<T, O> {
    #[allow(unsafe_code, reason = "the results of a bridge are taken in one place")]
    pub(super) fn new(bridge: Arc<Bridge<T, O>>) -> Self {
        let (window, ordered) = (Window::new(&bridge.plan), bridge.plan.ordered);
        Self {
            bridge,
            // SAFETY: `Bridge::new` makes this, once.
            unread: unsafe { Unread::new(ordered) },
            step: window.step(),
            window,
            spare: None,
            told: 0,
            looks: 0,
            stop_when: None,
            closed: false,
            most_in_flight: 0,
            #[cfg(feature = "stream")]
            awaited: false,
        }
    }

    pub(crate) fn bridge(&self) -> &Arc<Bridge<T, O>> {
        &self.bridge
    }

    /// The next result, if it is there and known of; else [`take`](Outlet::take) has to look.
    #[inline(always)]
    pub(crate) fn take_ready(&mut self) -> Option<Finished<O>> {
        if !self.unread.has_ready() && !self.refill() {
            return None;
        }
        Some(self.take_one())
    }

    /// Waits for the next result; `None` is the end of the run.
    pub(crate) fn take(&mut self) -> Option<Finished<O>> {
        self.come_back();
        loop {
            match self.look(true) {
                Look::Ready(finished) => return Some(finished),
                Look::Over => return None,
                Look::Pending => {}
            }
        }
    }

    /// The next result, if it is known to be there: of a consumer that feeds, and so comes back to that after a few.
    #[inline(always)]
    pub(crate) fn take_known(&mut self) -> Option<Finished<O>> {
        self.unread.take()
    }

    /// Waits for the next result while the consumer feeds the bridge from a source of its own.
    ///
    /// A result that is there is given at once, after one pull where a worker would otherwise
    /// stand idle; else the window is filled before the consumer sleeps.
    pub(crate) fn take_and_feed(&mut self, pull: &mut impl Pull<T>) -> Option<Finished<O>> {
        self.come_back();
        self.tell();
        loop {
            match self.look(false) {
                Look::Ready(finished) => {
                    self.feed_on(pull);
                    return Some(finished);
                }
                Look::Over => return None,
                Look::Pending if self.feed(usize::MAX, pull) > 0 => {}
                Look::Pending => match self.look(true) {
                    Look::Ready(finished) => return Some(finished),
                    Look::Over => return None,
                    Look::Pending => {}
                },
            }
        }
    }

    /// Pulls where a worker would otherwise stand idle, beside a result that is there. Of cheap items so many that the
    /// consumer comes back to it after as many results.
    fn feed_on(&mut self, pull: &mut impl Pull<T>) {
        let few = if self.feeds_many() { self.window.size() / 4 } else { 0 };
        self.feed(few.max(self.bridge.plan.workers), pull);
    }

    /// Items are so cheap that the consumer pulls many in one turn, for as long as they come and no result does.
    fn feeds_many(&self) -> bool {
        tuning::QUICK.contains(&self.bridge.signals.item_ns.load(Ordering::Relaxed))
    }

    /// Pulls on the consumer's thread and gives to the workers, if there is room for an item
    /// and fewer than `enough` are waiting to be claimed; says how many it has pulled.
    ///
    /// The decision and the pull are one step under the lock. Any look of the consumer may close
    /// the bridge, and an item that is pulled after that finds no worker left to claim it.
    pub(crate) fn feed(&mut self, enough: usize, pull: &mut impl Pull<T>) -> usize {
        let many = self.feeds_many();
        if many && self.spare.is_none() {
            self.spare = Some(self.bridge.spare());
        }
        let state = lock(&self.bridge.state);
        let is_wanted = self.bridge.wants_items(&state)
            && !state.in_source
            && self.bridge.room(&state) > 0
            && state.claimable() < enough;
        if !is_wanted {
            return 0;
        }
        let before = state.pulled();
        let state = if many {
            let (unread, has_result) = (&self.unread, self.unread.has_ready());
            // With a result at hand it is as many as were taken since the last time, and for a task so many that it
            // does not keep its executor from others.
            let is_short = has_result || self.bridge.plan.polled;
            let most = if is_short { self.step } else { usize::MAX };
            let is_there = || !has_result && unread.is_next_done();
            self.bridge.quick_turn(state, most, &mut self.spare, pull, is_there)
        } else {
            self.bridge.pull_one(state, &mut self.spare, pull)
        };
        let pulled = state.pulled() - before;
        self.bridge.release(state);
        // Also where the source gave nothing: it was asked.
        pulled.max(1)
    }

    /// No result will come any more.
    pub(crate) fn is_over(&mut self) -> bool {
        let mut state = lock(&self.bridge.state);
        self.unread.hear(&mut state);
        let is_over = state.is_over();
        drop(state);
        self.unread.note();
        is_over && !self.unread.has_ready() && !self.look_ahead()
    }

    /// How many items were pulled in all, once it is known that no more will be and that each of them
    /// will be yielded. A thread in the source may bring another one, or nothing, or too late.
    pub(crate) fn pulled(&self) -> Option<usize> {
        if !self.closed && self.bridge.consumer.is_closed() {
            // The sooner the better: until it is known, `collect` reserves for all of the source.
            self.bridge.close();
        }
        let state = lock(&self.bridge.state);
        let is_cut_off = state.cancelled || state.stop.is_some() || state.build_error.is_some();
        let is_known = (state.source_ended || state.closed) && !state.in_source && !is_cut_off;
        is_known.then(|| state.pulled())
    }

    /// The most items that were allowed to be in flight, and the most that were when the consumer looked.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        (self.window.largest(), self.most_in_flight)
    }

    /// Has `stop` looked at every result, those not yet taken included: the first for which it
    /// holds ends all further claims, but for items that come before it.
    pub(crate) fn stop_when(&mut self, stop: StopWhen<O>) {
        self.stop_when = Some(stop);
        let mut state = lock(&self.bridge.state);
        state.stop_when = Some(stop);
        self.bridge.consumer.wishes.stops.store(true, Ordering::Relaxed);
        self.unread.hear(&mut state);
        drop(state);
        if let Some(index) = self.unread.first(stop) {
            self.bridge.stop_at(index);
        }
    }

    /// Nobody is to wait for results any more: the run is cancelled or aborted.
    fn is_told_to_end(&self) -> bool {
        self.bridge.consumer.is_cancelled() || self.bridge.consumer.is_aborted()
    }

    /// What is in flight, in input order, after an abort and once no worker goes on: each item that has been pulled and
    /// not yielded, with its result where it has one, and else with what `lost` makes of its index. A worker that
    /// goes on all the same may publish what nobody takes.
    pub(crate) fn rest(&mut self, lost: impl Fn(usize) -> (Option<usize>, TaskError)) -> Rest<O> {
        let mut state = lock(&self.bridge.state);
        self.unread.hear(&mut state);
        let at_work_on = state.at_work_on();
        let pulled = state.pulled();
        // Out of order the consumer has heard of claims alone.
        let unclaimed = if self.bridge.plan.ordered { Vec::new() } else { state.unclaimed() };
        drop(state);
        let mut items = self.unread.rest(unclaimed, pulled, &lost);
        let Some(index) = at_work_on.filter(|&index| index == pulled) else {
            return Rest { items, pulled };
        };
        // Its place is not there yet.
        let (worker, error) = lost(index);
        items.push_back(Finished { index: Some(index), worker, result: Err(error) });
        Rest { items, pulled: pulled + 1 }
    }

    /// Lets go of what was not taken.
    pub(crate) fn clear(&mut self) {
        self.unread.clear();
    }

    /// Makes room for what is no longer in flight, and wakes who sleeps for want of it.
    fn tell(&mut self) {
        let taken = self.unread.taken() - self.told;
        if taken == 0 {
            return;
        }
        self.told = self.unread.taken();
        // Not after it: who closes a run is not to see more than a window of results behind that.
        self.close_if_told();
        let signals = &self.bridge.signals;
        self.window.adapt(taken, signals.item_ns.load(Ordering::Relaxed));
        self.step = self.window.step();
        signals.room.window.store(self.window.size(), Ordering::Relaxed);
        let limit = self.unread.taken().saturating_add(self.window.size());
        if limit > signals.room.limit.load(Ordering::Relaxed) {
            signals.room.limit.store(limit, Ordering::Release);
        }
        fence(Ordering::SeqCst);
        if signals.asleep.load(Ordering::Relaxed) > 0 {
            self.bridge.release(lock(&self.bridge.state));
        }
    }

    /// Has nothing more pulled, where somebody has asked for that.
    fn close_if_told(&mut self) {
        if !self.closed && self.bridge.consumer.is_closed() {
            self.closed = true;
            self.bridge.close();
        }
    }

    /// Takes the first of those that are ready.
    #[inline(always)]
    fn take_one(&mut self) -> Finished<O> {
        let Some(finished) = self.unread.take() else { unreachable!("one is ready") };
        finished
    }

    /// Comes back for more, and looks how many of the next results are there. A few at a time, so
    /// that the others soon know what was taken.
    #[inline(never)]
    fn refill(&mut self) -> bool {
        self.come_back();
        self.close_if_told();
        // The end of a cancelled run is for `look` to give.
        !self.is_told_to_end() && self.look_ahead()
    }

    /// Counts what was taken before as no longer in flight.
    fn come_back(&mut self) {
        self.unread.note();
        if self.unread.taken() - self.told >= self.step {
            self.tell();
        }
    }

    /// Sees how many results are ready; true if one is.
    fn look_ahead(&mut self) -> bool {
        if self.unread.left() == 0 && !self.turn() {
            return false;
        }
        let left = self.unread.left().min(self.step);
        let mut count = self.unread.see(self.step);
        if count == 0 {
            if !self.turn() {
                return false;
            }
            count = 1;
        } else if count < tuning::FEW.min(left) && self.is_in_step() {
            let since = Instant::now();
            while since.elapsed() < tuning::LEAD {
                yield_now();
            }
            count = self.unread.see(self.step);
        }
        if let Some(index) = self.stop_when.and_then(|stop| self.unread.first_ready(stop)) {
            self.bridge.stop_at(index);
        }
        // A full step is mostly followed by another one, whose lines come while this one is taken.
        self.unread.fetch(if count == self.step { self.step } else { 0 });
        self.looks = 0;
        true
    }

    /// Turns to places of which the next is done.
    fn turn(&mut self) -> bool {
        self.unread.turn(|block| self.bridge.recycle(block))
    }

    /// Items are about as cheap for a worker as for the consumer.
    fn is_in_step(&self) -> bool {
        tuning::IN_STEP.contains(&self.bridge.signals.item_ns.load(Ordering::Relaxed))
    }

    /// Takes the next result if it is there; else, with `sleep`, passes time until there may be
    /// one.
    fn look(&mut self, sleep: bool) -> Look<O> {
        self.tell();
        self.close_if_told();
        let bridge = Arc::clone(&self.bridge);
        let mut state = lock(&bridge.state);
        self.most_in_flight = self.most_in_flight.max(state.pulled() - self.unread.taken());
        if state.cancelled || self.is_told_to_end() {
            return Look::Over;
        }
        let error = if state.unbuilt == 0 { state.build_error.take() } else { None };
        if let Some((worker, error)) = error {
            let (index, worker, result) = (None, Some(worker), Err(error));
            return Look::Ready(Finished { index, worker, result });
        }
        state.napping = false;
        self.unread.hear(&mut state);
        // Before the results are looked at: what is done by then is seen.
        let is_over = state.unbuilt == 0 && state.is_over();
        let is_whole = state.stop.is_none() && !state.in_source;
        let pulled = state.pulled();
        drop(state);
        if self.look_ahead() {
            return Look::Ready(self.take_one());
        }
        if is_over {
            debug_assert!(
                !is_whole || self.unread.taken() == pulled,
                "{pulled} items were pulled, and {} results taken",
                self.unread.taken(),
            );
            return Look::Over;
        }
        if sleep { self.sleep() } else { Look::Pending }
    }

    /// Passes time until there may be a result.
    ///
    /// Where items are cheap, waking costs more than they do, so that the consumer sleeps for a
    /// time in which many of them are done, and only then waits for one.
    fn sleep(&mut self) -> Look<O> {
        self.looks += 1;
        let item_ns = self.bridge.signals.item_ns.load(Ordering::Relaxed);
        if !tuning::GROUPED.contains(&item_ns) {
            return self.wait();
        }
        let size = self.window.size();
        // The time that the workers take for an item, together, is this part of it.
        let workers = self.bridge.plan.workers;
        let heap = (tuning::LONGEST_GROUP.saturating_mul(workers) / item_ns).min(size - size / 8);
        if heap * item_ns / workers < tuning::SHORTEST_GROUP {
            if self.looks > tuning::LOOKS {
                return self.wait();
            }
            yield_now();
        } else {
            if self.looks > 1 {
                return self.wait();
            }
            return self.nap(heap, heap * item_ns / workers);
        }
        Look::Pending
    }

    /// Says what the consumer waits for. By an exchange, so that it is in one order with those of
    /// the workers who ring.
    fn watch_for(&self, what: usize) {
        self.bridge.consumer.wishes.watch.swap(what, Ordering::AcqRel);
    }

    /// Passes the time until so many items further on a result is there, or the workers have nothing
    /// to do, or until its time is over. By the worker's wake-up and not for a time alone: a timer
    /// costs thrice as much.
    fn nap(&mut self, heap: usize, expected: usize) -> Look<O> {
        let bridge = Arc::clone(&self.bridge);
        let mut state = lock(&bridge.state);
        if state.idle > 0 {
            // Those at work may be at slow items, and the heap not come.
            drop(state);
            return self.wait();
        }
        state.napping = true;
        self.watch_for(self.unread.taken() + heap);
        drop(state);
        // By now the heap may be there.
        let found = self.look_ahead();
        // Twice as long as it should take, and as long as it takes to wake: the group may not come where the source blocks.
        let limit = Duration::from_nanos((2 * (expected + tuning::SHORTEST_GROUP)) as u64);
        if !found {
            bridge.consumer.wait_at_most(limit.min(tuning::GROUP_LIMIT));
        }
        self.watch_for(NOBODY);
        if found { Look::Ready(self.take_one()) } else { Look::Pending }
    }

    /// Sleeps until the next result is there, or the run is over.
    fn wait(&mut self) -> Look<O> {
        match self.watch() {
            Watch::Over => {}
            Watch::Found => return Look::Ready(self.take_one()),
            Watch::On { quick: true } => {
                // A quick worker looks for who waits without a fence, so that one that published just now may not
                // have seen it. That result is seen after a short wait, and who publishes from then on sees who waits;
                // in theory it may take longer: hence a limit there too.
                let bridge = Arc::clone(&self.bridge);
                if !bridge.consumer.wait_at_most(tuning::GROUP_LIMIT) && !self.look_ahead() {
                    bridge.consumer.wait_at_most(tuning::UNFENCED);
                }
                self.watch_for(NOBODY);
            }
            Watch::On { quick: false } => self.bridge.consumer.wait(),
        }
        Look::Pending
    }

    /// Says that the consumer waits for the next result, or for the end of the run, unless one of them
    /// is there.
    fn watch(&mut self) -> Watch {
        let bridge = Arc::clone(&self.bridge);
        let mut state = lock(&bridge.state);
        if state.cancelled || (state.unbuilt == 0 && state.is_over()) {
            return Watch::Over;
        }
        self.unread.hear(&mut state);
        let watch = if bridge.plan.ordered { self.unread.taken() } else { ANYTHING };
        self.watch_for(watch);
        // Under the lock, so that a claim made after it sees what the consumer waits for.
        let quick = state.is_quick();
        drop(state);
        // Between saying what it waits for and a last look for it, as workers have one between a
        // result and the look for who waits.
        fence(Ordering::SeqCst);
        if self.look_ahead() {
            self.watch_for(NOBODY);
            return Watch::Found;
        }
        Watch::On { quick }
    }
}
