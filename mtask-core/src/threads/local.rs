//! A run whose consumer pulls the source.

use std::fmt;

use super::engine::Engine;
use crate::backend::{Backend, Concurrent, Job, Launch, Next, sealed};
use crate::bridge::{Pulled, StopWhen};
use crate::source::Source;
use crate::stage::Stage;
use crate::sync::JoinHandle;
use crate::{Spec, Worker};

/// Workers in threads, over a source that stays with the consumer: it may be `!Send`, or borrow.
///
/// The backend of [`par_stateful_local`](crate::par_stateful_local). The source is pulled inside
/// `next()`, on the consumer's thread, and holds it while it blocks.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Local {}

impl sealed::Sealed for Local {}
impl Concurrent for Local {}

impl Backend for Local {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = FedRun<I, W::Output>;
}

impl<I, S, W> Launch<I, S, W> for Local
where
    I: Iterator,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        FedRun::start(job, eager)
    }

    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output> {
        run.next()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.engine.bridge.stop_when(stop);
    }
}

/// A run whose consumer pulls the source.
pub struct FedRun<I: Iterator, O> {
    engine: Engine<I::Item, O, JoinHandle<()>>,
    source: Source<I>,
    stage: Stage,
}

impl<I: Iterator, O> FedRun<I, O> {
    /// Starts the threads, unless the source is empty; with `eager`, an item for each of them is
    /// pulled too.
    fn start<S, W>(job: Job<I, S, W>, eager: bool) -> Self
    where
        I::Item: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker<Input = I::Item, Output = O>,
        O: Send + 'static,
    {
        let bridge = job.bridge(true);
        let workers = job.team.specs.len();
        let build_now = job.team.build_now;
        let mut is_empty = job.source.size_hint().1 == Some(0);
        let source = Source::new(job.source);
        if !is_empty && !build_now {
            bridge.feed(&mut |_| source.pull_here());
            is_empty = bridge.is_over();
        }
        let engine = if is_empty {
            Engine::idle(bridge)
        } else {
            // A worker at a fed bridge is never sent to the source.
            Engine::start(job.team, bridge, || |_| Pulled::End, |builder, body| builder.spawn(body))
        };
        if eager && engine.is_running() {
            // One is there already.
            for _ in 1..workers {
                if !engine.bridge.hungry(workers) {
                    break;
                }
                engine.bridge.feed(&mut |_| source.pull_here());
            }
        }
        Self { engine, source, stage: job.stage }
    }

    fn next(&mut self) -> Next<O> {
        if let Some(error) = self.engine.start_error() {
            return Ok(Some(error));
        }
        if self.engine.is_running() {
            self.stage.attach(self.engine.bridge.bell());
            let source = &self.source;
            if let Some(finished) = self.engine.bridge.take_and_feed(|_| source.pull_here()) {
                return Ok(Some(finished));
            }
            self.engine.stop();
        }
        self.engine.bridge.source_panic().map_or(Ok(None), Err)
    }
}

impl<I: Iterator, O> fmt::Debug for FedRun<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FedRun").finish_non_exhaustive()
    }
}
