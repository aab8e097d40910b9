//! A run without threads.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{Backend, Blocking, Concurrent, Finishing, Replaceable, Run, Start, sealed};
use crate::bridge::{Finished, StopWhen};
use crate::error::drop_caught;
use crate::observe::trace::Scope;
use crate::run::builds::Builds;
use crate::run::control::Control;
use crate::run::job::{Job, Next, Team};
use crate::run::lifecycle::{Life, Record};
use crate::sync::Arc;
use crate::{Spec, TaskError, Worker, WorkerState};

/// One worker on the caller's own thread; the backend of
/// [`ParStateful::inline`](crate::ParStateful::inline).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Inline {}

impl sealed::Sealed for Inline {}
impl Blocking for Inline {}
impl Finishing for Inline {}
impl Replaceable for Inline {}

impl Backend for Inline {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = InlineRun<I, S, W>;

    type With<C: Concurrent> = C;

    const KIND: &'static str = "inline";

    fn with<C: Concurrent>(backend: C) -> C {
        backend
    }
}

impl<I, S, W> Start<I, S, W> for Inline
where
    I: Iterator,
    S: Spec<W>,
    W: Worker<Input = I::Item>,
{
    fn start(self, job: Job<I, S, W>, _eager: bool) -> Self::Run<I, S, W> {
        let Team { specs, care, control, counters, trace, build_now, .. } = job.team;
        let trace = trace.worker(0);
        let spec = specs.into_iter().next().expect("no run is made without a spec");
        let builds = Arc::new(Builds::new(1, care.build_retry));
        let record = Record::new(0, counters, Arc::clone(&control), builds);
        let mut life = Life::new(spec, record, care);
        let may_have_items = job.source.size_hint().1 != Some(0) && !control.is_ending();
        let build_error = if build_now && may_have_items {
            trace.enter(|| life.build_at_start()).err()
        } else {
            None
        };
        let (source, left) = (Some(job.source), 0);
        let (ending, sample) = (None, None);
        InlineRun { source, ending, control, life, trace, build_error, pulled: 0, left, sample }
    }
}

/// A run on the caller's thread.
pub struct InlineRun<I, S, W: Worker> {
    /// `None` after its end.
    source: Option<I>,
    /// How the source ended, until that is given.
    ending: Option<Result<(), Box<dyn Any + Send>>>,
    control: Arc<Control>,
    life: Life<S, W>,
    trace: Scope,
    build_error: Option<TaskError>,
    pulled: usize,
    /// How many items may be run before the next one is timed.
    left: usize,
    /// Those that were run since the last one that was timed, and what that took in the source and at the worker.
    sample: Option<Sample>,
}

/// The time of one item, which stands for some behind it: to look at the clock for each of the cheapest would take
/// thirty times as long as they do.
struct Sample {
    pulling: Duration,
    working: Duration,
    others: usize,
}

/// Of so much time at most one item is timed.
const TIMED: Duration = Duration::from_micros(16);
/// Of so many items at least one is timed.
const MOST: u128 = 256;

/// What a source gave.
enum Pulled<T> {
    Item(T),
    End,
    Panicked(Box<dyn Any + Send>),
}

impl<I, S, W> InlineRun<I, S, W>
where
    I: Iterator,
    S: Spec<W>,
    W: Worker<Input = I::Item>,
{
    /// The next item of the source, which is dropped at its end.
    fn pull(&mut self) -> Pulled<I::Item> {
        let is_over = self.control.is_ending() || self.control.no_worker().is_some();
        let pulled = match (self.ending.take(), &mut self.source) {
            (Some(ending), _) => ending.map(|()| None),
            (None, Some(source)) if !is_over => catch_unwind(AssertUnwindSafe(|| source.next())),
            (None, _) => Ok(None),
        };
        match pulled {
            Ok(Some(item)) => return Pulled::Item(item),
            Ok(None) => {}
            Err(payload) => {
                drop_caught(self.source.take());
                return Pulled::Panicked(payload);
            }
        }
        match catch_unwind(AssertUnwindSafe(|| drop(self.source.take()))) {
            Ok(()) => Pulled::End,
            Err(payload) => Pulled::Panicked(payload),
        }
    }

    /// Runs one item, with a look at the clock before and after.
    fn run_timed(&mut self, input: I::Item, start: Instant) -> Finished<W::Output> {
        let index = self.pulled;
        self.pulled += 1;
        let pulled = Instant::now();
        self.life.counters().enter(0, WorkerState::Working, pulled);
        let apart = self.life.tally().building() + self.life.tally().awaiting_retry();
        let (worker, result) = match W::pass(input) {
            Ok(output) => (None, Ok(output)),
            Err(input) => self.trace.enter(|| self.life.run(index, input)),
        };
        if let Some(why) = self.life.given_up() {
            self.control.lose_workers(why.clone());
        }
        let (now, tally) = (Instant::now(), self.life.tally());
        self.life.counters().enter(0, WorkerState::Waiting, now);
        let apart = tally.building() + tally.awaiting_retry() - apart;
        let pulling = pulled - start;
        let working = (now - pulled).saturating_sub(apart);
        tally.claimed(pulling, Duration::ZERO, Duration::ZERO);
        tally.ran(1, working);
        if apart.is_zero() && self.life.is_built() && !self.life.is_careful() {
            let fit = TIMED.as_nanos() / (pulling + working).as_nanos().max(1);
            self.left = usize::try_from(fit.min(MOST)).unwrap_or(0);
            self.sample = Some(Sample { pulling, working, others: 0 });
        }
        Finished { index: Some(index), worker, result }
    }

    /// Counts the items that were not timed, by the one that was.
    fn count_others(&mut self) {
        self.left = 0;
        let Some(Sample { pulling, working, others }) = self.sample.take() else { return };
        let times = u32::try_from(others).unwrap_or(u32::MAX);
        self.life.tally().claimed(pulling * times, Duration::ZERO, Duration::ZERO);
        self.life.tally().ran(others, working * times);
    }
}

impl<I, S, W> Run<W::Output> for InlineRun<I, S, W>
where
    I: Iterator,
    S: Spec<W>,
    W: Worker<Input = I::Item>,
{
    /// Pulls and runs an item that is not timed.
    #[inline]
    fn ready(&mut self) -> Option<Finished<W::Output>> {
        self.left = self.left.checked_sub(1)?;
        if self.control.is_ending() {
            return None;
        }
        let (source, sample) = (self.source.as_mut()?, self.sample.as_mut()?);
        let (worker, context) = self.life.worker()?;
        let (index, mut has_item) = (self.pulled, false);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let input = source.next()?;
            has_item = true;
            Some(match W::pass(input) {
                Ok(output) => (None, output),
                Err(input) => {
                    let call = || worker.call_with(input, &context.at(index));
                    (Some(0), self.trace.enter(call))
                }
            })
        }));
        let (worker, result) = match ran {
            Ok(Some((worker, output))) => (worker, Ok(output)),
            // The source's end is for `next` to give.
            Ok(None) => {
                (self.left, self.ending) = (0, Some(Ok(())));
                return None;
            }
            Err(payload) if !has_item => {
                (self.left, self.ending) = (0, Some(Err(payload)));
                return None;
            }
            Err(payload) => {
                self.left = 0;
                let error = self.trace.enter(|| self.life.panicked(index, payload));
                self.life.tally().failed();
                (Some(0), Err(error))
            }
        };
        sample.others += 1;
        self.pulled += 1;
        Some(Finished { index: Some(index), worker, result })
    }

    fn next(&mut self) -> Next<W::Output> {
        self.count_others();
        if let Some(error) = self.build_error.take() {
            drop(self.source.take());
            return Ok(Some(Finished { index: None, worker: Some(0), result: Err(error) }));
        }
        let start = Instant::now();
        let end = match self.pull() {
            Pulled::Item(input) => return Ok(Some(self.run_timed(input, start))),
            Pulled::End => Ok(None),
            Pulled::Panicked(payload) => Err(payload),
        };
        self.trace.enter(|| self.life.end());
        self.life.counters().enter(0, WorkerState::Idle, Instant::now());
        end
    }

    fn in_flight(&self) -> (usize, usize) {
        (1, 1)
    }

    fn pulled(&self) -> Option<usize> {
        // It pulls one item for each that it yields.
        let is_over = self.control.is_ending() || self.control.no_worker().is_some();
        (is_over && self.build_error.is_none()).then_some(self.pulled)
    }

    fn stop_when(&mut self, _stop: StopWhen<W::Output>) {
        // Nothing runs ahead of the consumer, so that there is nothing to stop.
    }
}

impl<I, S, W: Worker> fmt::Debug for InlineRun<I, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineRun").field("pulled", &self.pulled).finish_non_exhaustive()
    }
}
