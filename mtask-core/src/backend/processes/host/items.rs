//! The items of a worker, on their way to its child and back.

use std::time::Duration;

use super::super::batch::{Batch, Frame};
use super::super::body::{Status, Told};
use super::super::child::{NotBuilt, Panic};
use super::super::codec;
use super::super::crossing::Crossing;
use super::super::patience::Over;
use super::super::process::{Child, End, UNREACHABLE};
use super::Host;
use super::building::NoChild;
use crate::error::Elsewhere;
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::run::policy::{Again, Place};
use crate::sync::{Arc, Ordering, lock, wait};
use crate::{TaskError, TaskErrorKind};

/// Children in a row that died before they had read an item, after which it counts as lost with them.
const MAX_UNREAD: usize = 3;
/// Items that take longer are left to those who have nothing to do, and not sent ahead.
const CHEAP: Duration = Duration::from_micros(200);

/// How an item that failed is tried again.
pub(in crate::backend::processes) struct TryAgain<'a, T, O> {
    pub(in crate::backend::processes) rule: Again<T, O>,
    /// Passes time; false where the run has been cancelled.
    pub(in crate::backend::processes) pause: &'a dyn Fn(Duration) -> bool,
}

/// What a lane asks for beside its items.
pub(in crate::backend::processes) struct Asked<'a, T, O> {
    /// Which of the worker's lanes it is.
    pub(in crate::backend::processes) lane: usize,
    pub(in crate::backend::processes) cancelled: &'a dyn Fn() -> bool,
    /// The run is aborted, which is one way of being cancelled: each item yields something then.
    pub(in crate::backend::processes) aborted: &'a dyn Fn() -> bool,
    /// The result of an item is of use to the run, by its index.
    pub(in crate::backend::processes) is_wanted: &'a dyn Fn(usize) -> bool,
    pub(in crate::backend::processes) again: Option<TryAgain<'a, T, O>>,
}

/// The error of an item that is not sent any more, and has been begun so often.
fn unsent(aborted: &dyn Fn() -> bool, index: usize, begun: usize) -> TaskError {
    if aborted() {
        return TaskError::aborted(index, None).after(begun);
    }
    TaskError::no_worker_left(Some(index), None)
}

impl Host {
    /// Has items run and gives the result of each, in order; not of all where the worker is retired, or no
    /// process for it can be started for now. Gives what the last ones took, and how many those were.
    pub(in crate::backend::processes) fn run<T, O, C: Crossing<T, O>>(
        &self,
        batch: &mut Batch<O>,
        asked: &Asked<'_, T, O>,
        mut publish: impl FnMut(Option<usize>, Result<O, TaskError>),
    ) -> Option<(Duration, usize)> {
        let &Asked { lane, cancelled, aborted, is_wanted, ref again } = asked;
        let unsent = |index, begun| unsent(aborted, index, begun);
        let most = if self.settings.task_timeout.is_some() { 1 } else { usize::MAX };
        let mut pace = None;
        let mut unread = 0;
        let mut copied = Vec::new();
        let mut publish = |batch: &mut Batch<O>| {
            while let Some((result, is_ours)) = batch.publish() {
                if result.is_err() {
                    self.tally().failed();
                }
                let ran = is_ours.then_some(self.number);
                publish(result.as_ref().map_or_else(TaskError::worker, |_| ran), result);
            }
        };
        loop {
            publish(batch);
            if batch.index().is_none() {
                if let Some((index, why)) = batch.suspected.take() {
                    // It was none of them.
                    self.lose_summary(Some(index), TaskErrorKind::WorkerLost, &why);
                }
                return pace;
            }
            if self.over.load(Ordering::Relaxed) && !cancelled() {
                return pace;
            }
            if cancelled() {
                // Nobody will ask for it, but what was taken off a claim has to be published.
                batch.give_up(unsent);
                continue;
            }
            let mut frame = batch.next(most);
            let Some(index) = batch.index_in(&frame) else {
                self.try_again(batch, again.as_ref(), unsent);
                continue;
            };
            let child = match self.child(cancelled) {
                Ok(child) => child,
                Err(NoChild::Later(_) | NoChild::Retired) => return pace,
            };
            if let Some(order) = &self.order {
                let is_over = || cancelled() || !child.is_alive() || !is_wanted(index);
                // What is before it in its batch has been sent, or needs not be.
                if !order.wait(lane, batch.start(), &child, is_over) {
                    if !is_wanted(index) {
                        batch.give_up(unsent);
                    }
                    continue;
                }
            }
            frame.shorten(self.reserve(&child, frame.len()));
            if frame.len() == 0 {
                continue;
            }
            let bytes = batch.bytes(&frame, &mut copied);
            let mut not_built = None;
            let mut end = match child.send(bytes, frame.attempt, cancelled) {
                Ok(number) => {
                    if let Some(order) = &self.order {
                        let with = batch.is_all_in(&frame).then_some(&child);
                        order.sent(lane, index, batch.end_of(&frame), with);
                    }
                    child.receive(number, frame.len(), cancelled, |told| {
                        let is_next = self.hear::<T, O, C>(
                            batch,
                            &mut frame,
                            told,
                            again.as_ref(),
                            &mut not_built,
                        );
                        // At once, and before the other lane reads what comes next.
                        publish(batch);
                        is_next
                    })
                }
                Err(end) => end,
            };
            if let End::Ending = end {
                continue;
            }
            if let End::Unread = end {
                unread += 1;
                if unread == MAX_UNREAD {
                    end = End::Lost(child.kill(UNREACHABLE));
                }
            }
            if let End::Answered(took) = end {
                self.note_pace(took, frame.len());
                pace = Some((took, frame.len()));
                unread = 0;
                self.count_served(&child, frame.len());
                if let Some(error) = not_built {
                    self.not_rebuilt(error, cancelled);
                }
                continue;
            }
            if let (End::Left, Some(index)) = (&end, batch.index_in(&frame)) {
                let why = format!("it had item {index} in progress, and {}", Over::Shutdown.why());
                self.lose_summary(Some(index), TaskErrorKind::TimedOut, &why);
                let error = TaskError::aborted(index, Some(self.number)).after(frame.attempt);
                batch.answer(&mut frame, Err(error));
            }
            let limit = self.settings.task_timeout.filter(|_| matches!(end, End::TimedOut));
            let what = match end {
                End::Answered(_) | End::Ending | End::NotBegun | End::Unread | End::Left => None,
                End::Lost(status) => Some(Elsewhere::Lost { status, building: false }),
                End::Astray(what) => Some(Elsewhere::Astray(what)),
                End::TimedOut => {
                    let limit = self.settings.task_timeout.unwrap_or_default();
                    Some(Elsewhere::TimedOut { limit, building: false })
                }
            };
            if let (Some(what), Some(index)) = (what, batch.index_in(&frame)) {
                let why = format!("it {what}");
                // What is sent again may have been run, and one of them have ended the process.
                batch.one_by_one |= frame.left() > 1;
                if frame.left() > 1 && matches!(what, Elsewhere::Lost { .. }) {
                    batch.suspected.get_or_insert((index, why));
                } else {
                    batch.suspected = None;
                    self.lose_summary(Some(index), what.kind(), &why);
                    let error = self.elsewhere(index, what).after(frame.attempt);
                    batch.answer(&mut frame, Err(error));
                }
            }
            // Not before: while the other lane has the worker built again, this waits.
            self.reap(&child, limit);
        }
    }

    /// Has those items be sent again that have failed, unless the run is cancelled meanwhile.
    pub(super) fn try_again<T, O>(
        &self,
        batch: &mut Batch<O>,
        again: Option<&TryAgain<'_, T, O>>,
        unsent: impl Fn(usize, usize) -> TaskError,
    ) {
        if again.is_some_and(|it| !(it.pause)(it.rule.retry.pause(batch.most_failures()))) {
            batch.give_up(unsent);
            return;
        }
        batch.retry(|index, attempt| {
            self.tally().retried();
            trace::retried(self.number, index, attempt);
        });
    }

    /// Takes what a child tells of a frame's next item; false where it is of another one.
    pub(super) fn hear<T, O, C: Crossing<T, O>>(
        &self,
        batch: &mut Batch<O>,
        frame: &mut Frame,
        told: Told<'_>,
        again: Option<&TryAgain<'_, T, O>>,
        not_built: &mut Option<TaskError>,
    ) -> bool {
        let Some(index) = batch.index_in(frame) else { return false };
        let Told { status, bytes, .. } = told;
        if told.index != index as u64 {
            return false;
        }
        if let Status::Done | Status::Panicked = status {
            if self.torn.load(Ordering::Relaxed) {
                // The child has built it again.
                self.built(None);
            }
            self.torn.store(status == Status::Panicked, Ordering::Relaxed);
        }
        let attempt = frame.attempt;
        let place = Place { index, worker: self.number, attempt };
        let result = match status {
            Status::NotRun => {
                frame.pass();
                return true;
            }
            // It is run once the worker has been built, here or elsewhere.
            Status::NotBuilt => {
                *not_built = Some(match codec::decode::<NotBuilt>(bytes) {
                    Ok(reason) => reason.into_error(None, self.number),
                    Err(reason) => self.elsewhere(index, Elsewhere::NoResult(reason)),
                });
                frame.pass();
                return true;
            }
            Status::Done => codec::decode_as(bytes, |told| {
                let output = C::receive(told, &place);
                match again {
                    Some(again) => (again.rule.flatten)(output, &place),
                    None => Ok(output),
                }
            })
            .unwrap_or_else(|error| {
                let reason = format!("its output cannot be decoded: {error}");
                Err(self.elsewhere(index, Elsewhere::NoResult(reason)).after(attempt))
            }),
            failed => {
                let error = self
                    .error(failed, bytes, index)
                    .unwrap_or_else(|reason| self.elsewhere(index, Elsewhere::NoResult(reason)));
                Err(error.after(attempt))
            }
        };
        let is_due = |error: &TaskError| again.is_some_and(|it| it.rule.is_due(attempt, error));
        if result.as_ref().is_err_and(is_due) {
            batch.fail(frame, result);
        } else {
            batch.answer(frame, result);
        }
        true
    }

    /// Counts items that the child has answered, and ends it where its time is over.
    pub(super) fn count_served(&self, child: &Arc<Child>, count: usize) {
        let Some(most) = self.lifespan else { return };
        let mut state = lock(&self.state);
        state.served += count;
        if state.served >= most && state.is(child) {
            self.set_up(false);
            let served = state.served;
            // It is left there, so that none is started before it has ended.
            drop(state);
            trace::lifespan_over(self.number, served);
            self.end(child);
            lock(&self.state).child = None;
            self.ended.notify_all();
        }
    }

    /// How many of so many items a child is to be sent: no more than are left of its time. Waits for its end
    /// where none are, which comes with what the other lane has under way.
    pub(super) fn reserve(&self, child: &Arc<Child>, wanted: usize) -> usize {
        let Some(lifespan) = self.lifespan else { return wanted };
        let mut state = lock(&self.state);
        while state.is(child) && state.given >= lifespan {
            state = wait(&self.ended, state);
        }
        if !state.is(child) {
            return 0;
        }
        let most = wanted.min(lifespan - state.given);
        state.given += most;
        most
    }

    /// The error that a child tells of.
    pub(super) fn error(
        &self,
        status: Status,
        bytes: &[u8],
        index: usize,
    ) -> Result<TaskError, String> {
        Ok(match status {
            Status::Panicked => {
                let Panic { message, location } = codec::decode(bytes)?;
                Counters::count(&self.counters.panics);
                self.lose_summary(Some(index), TaskErrorKind::Panicked, &message);
                trace::panicked(self.number, index, &message);
                self.elsewhere(index, Elsewhere::Panicked { message, location })
            }
            _ => self.elsewhere(index, Elsewhere::NoResult(codec::decode(bytes)?)),
        })
    }

    pub(super) fn elsewhere(&self, index: usize, what: Elsewhere) -> TaskError {
        TaskError::elsewhere(Some(index), self.number, what)
    }

    /// Takes note of what items took.
    pub(super) fn note_pace(&self, took: Duration, count: usize) {
        let cheap = self.settings.task_timeout.is_none()
            && took < CHEAP * u32::try_from(count).unwrap_or(u32::MAX);
        let mut gate = lock(&self.gate);
        if gate.cheap != cheap {
            gate.cheap = cheap;
            drop(gate);
            self.changed.notify_all();
        }
    }
}
