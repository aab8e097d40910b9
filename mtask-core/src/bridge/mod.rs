//! The bounded structure between source, workers and consumer; `README.md` beside this file
//! explains it.
//!
//! The interface is small on purpose, so that what is behind it can be replaced, modelled and
//! measured alone: workers [`claim`](claim::WorkerSide::claim) items, begin them
//! [one by one](Claim::next) and [`publish`](chunk::Begun::publish) each; the consumer
//! [`take`](Outlet::take)s, and either side can [`cancel`](Bridge::cancel).

mod alone;
mod block;
mod chunk;
mod claim;
#[cfg(not(loom))]
mod debug;
mod hand;
#[cfg(all(debug_assertions, not(loom)))]
pub(crate) mod live;
#[cfg(all(test, loom))]
mod loom_tests;
mod notifier;
mod outlet;
mod signals;
mod state;
mod taken;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod tuning;
mod turn;
mod window;

use std::any::Any;
use std::mem;

pub(crate) use alone::Alone;
pub(crate) use chunk::Claim;
#[cfg(test)]
use claim::WorkerSide;
pub(crate) use claim::{Slept, Stride};
pub(crate) use notifier::Notifier;
#[cfg(feature = "stream")]
pub(crate) use outlet::PollPull;
pub(crate) use outlet::{Outlet, Rest};
pub(crate) use turn::{Pull, Turn};

use crate::TaskError;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, Ordering, Padded, lock};
use block::Block;
use chunk::Chunk;
use hand::Hand;
use signals::{NOBODY, Signals};
use state::State;

/// One finished item, on its way to the consumer.
#[derive(Debug)]
pub struct Finished<O> {
    /// Position of the input in the source; `None` for an error with no item in hand.
    pub(crate) index: Option<usize>,
    /// The worker that ran it; `None` when none was left.
    pub(crate) worker: Option<usize>,
    pub(crate) result: Result<O, TaskError>,
}

/// Tells whether a result stops the run; set by `.stop_on_error()`.
pub type StopWhen<O> = fn(Result<&O, &TaskError>) -> bool;

/// What a run leaves that was left early, for the caller to drop where no lock is held: the inputs
/// and results in its blocks, and an error of a build at the start.
pub(crate) struct Leftover<T, O> {
    _blocks: [Vec<Arc<Block<T, O>>>; 2],
    pub(crate) build_error: Option<(usize, TaskError)>,
}

/// What a run is asked to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many worker loops will claim.
    pub(crate) workers: usize,
    /// The most items in flight; `None` adapts.
    pub(crate) window: Option<usize>,
    /// What an item or its result takes in memory, without what it owns elsewhere.
    pub(crate) item_bytes: usize,
    /// It may own something elsewhere: it has a destructor.
    pub(crate) owning: bool,
    /// The most items in a claim, and pulled in one turn at the source.
    pub(crate) chunk: usize,
    /// Results leave in input order.
    pub(crate) ordered: bool,
    /// No item is pulled before every worker has reported its build.
    pub(crate) build_now: bool,
    /// The consumer pulls, by [`Outlet::take_and_feed`], and workers never do.
    pub(crate) fed: bool,
    /// The consumer does not sleep but polls: no claim is quick, since its task has no time limit by
    /// which to make good a wake-up that it misses.
    pub(crate) polled: bool,
}

/// The bridge of one run, shared by its workers and its consumer.
pub(crate) struct Bridge<T, O> {
    plan: Plan,
    /// What is read and written without the lock.
    signals: Signals,
    /// What each worker has claimed and not begun.
    hands: Box<[Padded<Hand>]>,
    /// What changes from claim to claim. Never held while user code runs.
    state: Mutex<State<T, O>>,
    /// Blocks to be used again. To make them anew each time would cost more than what is in them: two
    /// threads would meet in the allocator.
    spares: Mutex<Vec<Arc<Block<T, O>>>>,
    /// Workers wait here: for an item, for room, for the source, for the other builds.
    work: Condvar,
    /// The consumer waits here. It is its own object, without the item types, because a run that
    /// is the source of another is woken through it when the outer one is cancelled.
    consumer: Arc<Notifier>,
}

impl<T, O> Bridge<T, O> {
    /// A bridge, and the one place where its results come out.
    ///
    /// The notifier is given, so that what may end the run has it before the run is there.
    pub(crate) fn new(mut plan: Plan, notifier: Arc<Notifier>) -> (Arc<Self>, Outlet<T, O>) {
        // What one worker gives comes in input order whether it has to or not.
        plan.ordered |= plan.workers == 1;
        let bridge = Arc::new(Self {
            plan,
            signals: Signals::new(&plan),
            hands: (0..plan.workers).map(|_| Padded(Hand::new())).collect(),
            state: Mutex::new(State::new(&plan)),
            spares: Mutex::new(Vec::new()),
            work: Condvar::new(),
            consumer: notifier,
        });
        let outlet = Outlet::new(Arc::clone(&bridge));
        (bridge, outlet)
    }

    /// Where the consumer hears what others want of it.
    #[cfg(test)]
    pub(crate) fn notifier(&self) -> &Arc<Notifier> {
        &self.consumer
    }

    /// Ends the run: no claim succeeds and nothing is pulled from here on.
    pub(crate) fn cancel(&self) {
        self.consumer.wishes.halt.store(0, Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.cancelled = true;
        // Under the lock, or a quick turn that begins now would take it back.
        self.consumer.hungry.store(true, Ordering::Relaxed);
        drop(state);
        self.work.notify_all();
        self.consumer.cancel();
    }

    /// Has workers that sleep hear of an abort. What was pulled stays for [`Outlet::rest`].
    pub(crate) fn abort(&self) {
        // For a worker that has looked at the flag and does not sleep yet.
        drop(lock(&self.state));
        self.work.notify_all();
    }

    /// Has no more items pulled, by the last worker, which stays for what was pulled. Where the consumer pulls it is the
    /// one to close: it may be inside the source, and what it brings still has to find this worker.
    pub(crate) fn give_up(&self) {
        if self.plan.fed {
            self.consumer.close();
        } else {
            self.close();
        }
    }

    /// Has no more items pulled; what was pulled comes. Called by the consumer, between its looks and its going to
    /// sleep, or by the last worker where it is the workers who pull.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        // Under the lock, as in `cancel`.
        self.consumer.hungry.store(true, Ordering::Relaxed);
        self.release(state);
    }

    /// The source has been read to its end.
    pub(crate) fn is_read(&self) -> bool {
        let state = lock(&self.state);
        state.source_ended && state.source_panic.is_none() && state.build_error.is_none()
    }

    /// A thread is inside the source.
    pub(crate) fn is_in_source(&self) -> bool {
        let state = lock(&self.state);
        state.in_source && !state.is_at_work()
    }

    /// How many loops claim.
    pub(crate) fn loops(&self) -> usize {
        self.plan.workers
    }

    /// The item that each worker is at, as far as one has claimed any.
    pub(crate) fn in_progress(&self) -> Vec<(usize, usize)> {
        lock(&self.state).in_progress()
    }

    /// There is nothing to claim, and nothing will be.
    pub(crate) fn is_drained(&self) -> bool {
        lock(&self.state).is_drained() || self.consumer.is_aborted()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// Takes out what nobody will ask for any more.
    pub(crate) fn clear(&self) -> Leftover<T, O> {
        let mut state = lock(&self.state);
        let blocks = [state.clear(), mem::take(&mut *lock(&self.spares))];
        Leftover { _blocks: blocks, build_error: state.build_error.take() }
    }

    /// The payload with which the source panicked, once.
    pub(crate) fn source_panic(&self) -> Option<Box<dyn Any + Send>> {
        lock(&self.state).source_panic.take()
    }

    /// A block to fill.
    fn spare(&self) -> Arc<Block<T, O>> {
        let used = lock(&self.spares).pop();
        let Some(mut block) = used else { return Arc::new(Block::new()) };
        Arc::get_mut(&mut block).expect("a spare block is not shared").renew();
        block
    }

    /// Lets go of a block, and keeps it for later use if nobody else has it.
    fn recycle(&self, mut block: Arc<Block<T, O>>) {
        if Arc::get_mut(&mut block).is_some() {
            let mut spares = lock(&self.spares);
            if spares.len() < tuning::SPARES {
                spares.push(block);
            }
        }
    }

    /// Ends all claims of items from `index` on.
    fn stop_at(&self, index: usize) {
        let mut state = lock(&self.state);
        let stop = state.stop_at(index);
        self.consumer.wishes.halt.fetch_min(stop, Ordering::Relaxed);
        self.consumer.hungry.store(true, Ordering::Relaxed);
        drop(state);
        self.work.notify_all();
    }

    /// How many items there is room for.
    fn room(&self, state: &State<T, O>) -> usize {
        self.signals.room.limit.load(Ordering::Acquire) - state.pulled()
    }

    /// There is a use for an item.
    fn wants_items(&self, state: &State<T, O>) -> bool {
        state.wants_items() && !self.consumer.is_aborted()
    }

    /// The source is for the workers to pull, it is free, and there is room for what it gives.
    fn may_pull(&self, state: &State<T, O>) -> bool {
        !self.plan.fed && !state.in_source && self.wants_items(state) && self.room(state) > 0
    }

    /// Wakes whom a change of state may concern, and unlocks.
    fn release(&self, mut state: MutexGuard<'_, State<T, O>>) {
        let asleep = self.signals.asleep.load(Ordering::Relaxed);
        state.check(asleep);
        let over = asleep > 0 && state.is_closed();
        let worker = asleep > 0 && (state.claimable() > 0 || self.may_pull(&state));
        let woken = if over { asleep } else { usize::from(worker) };
        if woken > 0 {
            // Here and not by themselves, since it may take them long to get a processor, and until
            // then they would be woken again and again.
            self.signals.asleep.fetch_sub(woken, Ordering::Relaxed);
            state.woken += woken;
        }
        let consumer = state.is_over();
        drop(state);
        if over {
            self.work.notify_all();
        } else if worker {
            self.work.notify_one();
        }
        if consumer {
            self.wake_consumer();
        }
    }

    /// Notifies the consumer if it waits.
    fn wake_consumer(&self) {
        // Acquire and Release: who notifies has published, and who waits looks again.
        if self.consumer.wishes.watch.load(Ordering::Relaxed) != NOBODY
            && self.consumer.wishes.watch.swap(NOBODY, Ordering::AcqRel) != NOBODY
        {
            self.consumer.notify();
        }
    }
}
