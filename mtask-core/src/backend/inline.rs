//! A run without threads.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Backend, Blocking, Concurrent, Finishing, Replaceable, Run, Start, sealed};
use crate::bridge::{Finished, StopWhen, Turn};
use crate::observe::trace::Scope;
use crate::run::builds::Builds;
use crate::run::control::Control;
use crate::run::job::{Job, Next, Team};
use crate::run::lifecycle::Life;
use crate::run::source::Source;
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
        let builds = Arc::new(Builds::new(1));
        let mut life = Life::new(spec, 0, care, counters, Arc::clone(&control), builds);
        let may_have_items = job.source.size_hint().1 != Some(0) && !control.is_closed();
        let build_error = if build_now && may_have_items {
            trace.enter(|| life.build_at_start()).err()
        } else {
            None
        };
        let source = Source::new(job.source);
        InlineRun { source, control, life, trace, build_error, pulled: 0 }
    }
}

/// A run on the caller's thread.
pub struct InlineRun<I, S, W: Worker> {
    source: Source<I>,
    control: Arc<Control>,
    life: Life<S, W>,
    trace: Scope,
    build_error: Option<TaskError>,
    pulled: usize,
}

impl<I, S, W> Run<W::Output> for InlineRun<I, S, W>
where
    I: Iterator,
    S: Spec<W>,
    W: Worker<Input = I::Item>,
{
    fn next(&mut self) -> Next<W::Output> {
        if let Some(error) = self.build_error.take() {
            drop(self.source.close());
            return Ok(Some(Finished { index: None, worker: Some(0), result: Err(error) }));
        }
        let mut input = None;
        let start = Instant::now();
        let turn = if self.control.is_closed() || self.control.no_worker().is_some() {
            drop(self.source.close());
            Turn::End
        } else {
            self.source.turn_here(self.pulled, |item| {
                input = Some(item);
                false
            })
        };
        if let Some(input) = input {
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
            tally.claimed(pulled - start, Duration::ZERO, Duration::ZERO);
            let apart = tally.building() + tally.awaiting_retry() - apart;
            tally.ran(1, (now - pulled).saturating_sub(apart));
            return Ok(Some(Finished { index: Some(index), worker, result }));
        }
        self.trace.enter(|| self.life.end());
        self.life.counters().enter(0, WorkerState::Idle, Instant::now());
        match turn {
            Turn::Panicked(payload) => Err(payload),
            Turn::Enough | Turn::End => Ok(None),
        }
    }

    fn in_flight(&self) -> (usize, usize) {
        (1, 1)
    }

    fn pulled(&self) -> Option<usize> {
        // It pulls one item for each that it yields.
        let is_over = self.control.is_closed() || self.control.no_worker().is_some();
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
