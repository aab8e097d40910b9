//! A run whose consumer pulls the source.

use std::fmt;

use crate::backend::{Backend, Concurrent, Finishing, Launch, sealed};
use crate::bridge::{Outlet, Pull, StopWhen, Turn};
use crate::run::job::{Job, Next};
use crate::run::nested::Stage;
use crate::run::source::{Here, Source};
use crate::run::team::{Crew, SpawnedPanics, ThreadSettings};
use crate::run::worker_loop::{self, Engine};
use crate::sync::{Arc, JoinHandle};
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
impl Finishing for Local {}

impl Backend for Local {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = FedRun<I, W::Output>;

    const KIND: &'static str = "local";
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

    fn in_flight(run: &Self::Run<I, S, W>) -> (usize, usize) {
        run.outlet.in_flight()
    }

    fn pulled(run: &Self::Run<I, S, W>) -> Option<usize> {
        run.outlet.pulled()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.outlet.stop_when(stop);
    }
}

/// What a worker of such a run pulls: the bridge never sends it to the source.
pub(super) struct Nothing;

impl<T> Pull<T> for Nothing {
    fn turn(&mut self, _index: usize, _keep: impl FnMut(T) -> bool) -> Turn {
        Turn::End
    }
}

/// A run whose consumer pulls the source.
pub struct FedRun<I: Iterator, O> {
    engine: Engine<I::Item, O, Crew<JoinHandle<()>>>,
    outlet: Outlet<I::Item, O>,
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
        let mut outlet = job.outlet(true, 1);
        let workers = job.team.specs.len();
        let build_now = job.team.build_now;
        let mut is_empty = job.source.size_hint().1 == Some(0) || job.team.control.is_closed();
        let source = Source::new(job.source);
        if !is_empty && !build_now {
            outlet.feed(usize::MAX, &mut Here(&source));
            is_empty = outlet.is_over();
        }
        let (bridge, control) = (Arc::clone(outlet.bridge()), Arc::clone(&job.team.control));
        let engine = if is_empty {
            Engine::idle(bridge, control)
        } else {
            let timeout = job.team.timeout;
            let panics = SpawnedPanics::of(&job.team.counters, &job.team.trace);
            let loops = worker_loop::loops(job.team, &bridge, || Nothing);
            let crew = Crew::start(ThreadSettings::default(), loops, panics, |builder, body| {
                builder.spawn(body)
            });
            Engine::new(bridge, control, timeout, crew)
        };
        if eager && engine.is_running() {
            // One is there already.
            for _ in 1..workers {
                if !outlet.feed(workers, &mut Here(&source)) {
                    break;
                }
            }
        }
        Self { engine, outlet, source, stage: job.stage }
    }

    fn next(&mut self) -> Next<O> {
        if let Some(error) = self.engine.start_error() {
            return Ok(Some(error));
        }
        if self.engine.is_running() {
            self.stage.attach(self.engine.control());
            if let Some(finished) = self.outlet.take_and_feed(&mut Here(&self.source)) {
                return Ok(Some(finished));
            }
            self.engine.stop();
            self.outlet.clear();
        }
        self.engine.bridge.source_panic().map_or(Ok(None), Err)
    }
}

impl<I: Iterator, O> fmt::Debug for FedRun<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FedRun").finish_non_exhaustive()
    }
}
