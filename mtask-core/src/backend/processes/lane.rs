//! A loop that takes items from the bridge to a child and back.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::crossing::Crossing;
use super::host::{Asked, Host, TryAgain};
use crate::bridge::{Bridge, Claim, Pull, Slept};
use crate::error::drop_caught;
use crate::run::builds::FIRST_PAUSE;
use crate::run::claim_size::Pace;
use crate::run::control::Control;
use crate::run::policy::Again;
use crate::sync::Arc;
use crate::{TaskError, WorkerState};

/// How many lanes a worker has: two, so that its child has two frames to work at, and one of them can take over
/// what the other has pulled while the source keeps that; but one where it is the only worker and has a time
/// limit, which makes frames of one item: nothing is pulled ahead then.
pub(super) fn lanes(workers: usize, has_limit: bool) -> usize {
    if workers == 1 && has_limit { 1 } else { 2 }
}

/// One of the loops of a worker, which leaves its host when it is dropped.
pub(super) struct Lane<T, O, C> {
    pub(super) bridge: Arc<Bridge<T, O>>,
    pub(super) control: Arc<Control>,
    /// All workers of the run.
    pub(super) hosts: Arc<[Host]>,
    /// Which of all lanes it is.
    pub(super) number: usize,
    /// How many each worker has.
    pub(super) of: usize,
    pub(super) again: Option<Again<T, O>>,
    pub(super) crossing: PhantomData<fn() -> C>,
}

impl<T, O, C> Lane<T, O, C> {
    /// The worker that it is a lane of.
    fn worker(&self) -> usize {
        self.number / self.of
    }

    fn host(&self) -> &Host {
        &self.hosts[self.worker()]
    }

    /// What is in progress has the time that the end of a run leaves it, and nothing more is begun.
    fn is_cancelled(&self) -> bool {
        self.bridge.is_cancelled() || self.control.is_aborted()
    }

    fn is_first(&self) -> bool {
        self.number % self.of == 0
    }
}

impl<T, O, C: Crossing<T, O>> Lane<T, O, C> {
    /// Claims, sends, receives and publishes until the bridge has nothing more. Does not unwind.
    pub(super) fn work(self, mut pull: impl Pull<T>, build_now: bool) {
        let (bridge, host) = (&*self.bridge, self.host());
        let mut side = bridge.side(self.number);
        if build_now {
            let pause = |time| self.control.pause(time);
            let outcome =
                if self.is_first() { host.build(&|| self.is_cancelled(), &pause) } else { Ok(()) };
            side.report_build(outcome);
        }
        let mut pace = Pace::new();
        let mut batch = Batch::new();
        let mut slept = Slept::default();
        let mut from = Instant::now();
        let mut is_last_of_all = false;
        let enter = |state, now| host.doing.enter(self.number % self.of, state, now);
        loop {
            // Not while there is something to claim, which nobody else may be free for.
            if !self.is_first() && !host.wants_second_frame() && side.stand_aside() {
                host.wait_for_cheap_items();
                side.note_away(false);
            }
            if host.pause().is_some() {
                side.note_away(true);
                while let Some(time) = host.pause() {
                    self.back_off(Some(time), |time| self.control.pause(time));
                }
                side.note_away(false);
            }
            if !is_last_of_all && host.is_retired() {
                is_last_of_all = side.retire();
                if !is_last_of_all {
                    break;
                }
                if let Some(why) = host.given_up() {
                    self.control.lose_workers(why);
                }
                bridge.give_up();
            }
            let was_up = host.is_up();
            let stride = pace.stride(was_up);
            enter(WorkerState::Waiting, from);
            let claimed = side.claim(stride, &mut pull, &mut slept);
            let start = Instant::now();
            let Slept { input, room } = mem::take(&mut slept);
            // Two lanes are one worker, so that what both wait for counts by halves.
            let share = |time: Duration| time / u32::try_from(self.of).unwrap_or(u32::MAX);
            let paused = Cell::new(Duration::ZERO);
            host.tally().claimed(share(start - from), share(input), share(room));
            let Some(mut claim) = claimed else { break };
            let (first, built) = (claim.index(), host.tally().building());
            enter(WorkerState::Working, start);
            loop {
                batch.clear();
                claim.begin_while(|index, input| {
                    batch.push::<T, C>(index, input, self.worker(), host.max_frame());
                    !batch.is_full()
                });
                if batch.index().is_none() {
                    break;
                }
                self.run(&mut batch, &mut claim, &mut pace, &paused);
                host.batch_done(self.number % self.of, claim.index());
            }
            if !was_up {
                // While it is held others do not leave, and this lane may wait for them.
                claim.give_back();
            }
            from = Instant::now();
            let apart = host.tally().building() - built + paused.get();
            let took = (from - start).saturating_sub(apart);
            host.tally().awaited_retry(share(paused.get()));
            host.tally().ran(claim.index() - first, share(took));
        }
        enter(WorkerState::Idle, from);
        host.stand_by(self.is_first());
        drop(side);
        drop(self);
        drop_caught(pull);
    }

    /// Waits for some of the time before a process is tried again that could not be started, by `pause`.
    fn back_off(&self, time: Option<Duration>, pause: impl FnOnce(Duration) -> bool) {
        if !pause(time.unwrap_or(FIRST_PAUSE).min(FIRST_PAUSE)) {
            self.host().try_once_more();
        }
    }

    /// Has items run, by another worker where this one is retired meanwhile or cannot be started for now, and
    /// publishes what comes of each. Adds to `paused` how long it has waited between attempts.
    fn run(
        &self,
        batch: &mut Batch<O>,
        claim: &mut Claim<'_, T, O>,
        pace: &mut Pace,
        paused: &Cell<Duration>,
    ) {
        let bridge = &*self.bridge;
        let (cancelled, aborted) = (|| self.is_cancelled(), || self.control.is_aborted());
        let is_wanted = |index| bridge.is_wanted(index);
        let pause = |time| {
            let (lane, start) = (self.number % self.of, Instant::now());
            self.host().doing.enter(lane, WorkerState::Waiting, start);
            let goes_on = self.control.pause(time);
            let now = Instant::now();
            self.host().doing.enter(lane, WorkerState::Working, now);
            paused.set(paused.get() + (now - start));
            goes_on
        };
        let asked = Asked {
            lane: self.number % self.of,
            cancelled: &cancelled,
            aborted: &aborted,
            is_wanted: &is_wanted,
            again: self.again.map(|rule| TryAgain { rule, pause: &pause }),
        };
        let (before, after) = self.hosts.split_at(self.worker());
        loop {
            for host in after.iter().chain(before) {
                // Others are not built for what this one may still do.
                if host.number != self.worker() && !host.is_up() && !self.host().is_retired() {
                    continue;
                }
                let took = host.run::<T, O, C>(batch, &asked, |worker, result| {
                    publish(claim, worker, result);
                });
                if let Some((took, count)) = took {
                    pace.measured(took, count);
                }
            }
            if batch.index().is_none() || self.hosts.iter().all(Host::is_through) {
                break;
            }
            self.back_off(self.host().pause(), pause);
        }
        batch.give_up(|index, begun| {
            if aborted() {
                return TaskError::aborted(index, None).after(begun);
            }
            TaskError::no_worker_left(Some(index), self.host().given_up()).after(begun)
        });
        while let Some((result, _)) = batch.publish() {
            publish(claim, None, result);
        }
    }
}

/// Publishes the first item that is begun: those of a batch are, in its order.
fn publish<T, O>(claim: &mut Claim<'_, T, O>, worker: Option<usize>, result: Result<O, TaskError>) {
    claim.begun().expect("no more is published than was begun").publish(worker, result);
}

impl<T, O, C> Drop for Lane<T, O, C> {
    fn drop(&mut self) {
        self.host().leave();
    }
}
