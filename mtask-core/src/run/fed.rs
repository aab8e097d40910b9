//! A run whose consumer pulls the source.

use std::fmt;

use super::consumer::Run;
use super::job::{Job, Next, Team};
use super::nested::Stage;
use super::source::{Here, Nothing, Source};
use super::team::{Hands, Started};
use super::worker_loop::Engine;
use crate::Worker;
use crate::bridge::{Bridge, Finished, Outlet, StopWhen};
use crate::sync::Arc;

/// A run whose consumer pulls the source.
pub struct FedRun<I: Iterator, O, H: Hands> {
    engine: Engine<I::Item, O, H>,
    outlet: Outlet<I::Item, O>,
    source: Source<I>,
    stage: Stage,
}

impl<I: Iterator, O, H: Hands> FedRun<I, O, H> {
    /// Starts the threads, unless the source is empty; with `eager`, an item for each of them is
    /// pulled too. `begin` starts `lanes` loops for each spec.
    pub(crate) fn start<S, W>(
        job: Job<I, S, W>,
        eager: bool,
        lanes: usize,
        begin: impl FnOnce(Team<S, W>, &Arc<Bridge<I::Item, O>>, &dyn Fn() -> Nothing) -> (H, Started),
    ) -> Self
    where
        W: Worker<Input = I::Item, Output = O>,
    {
        let mut outlet = job.outlet(true, lanes);
        let workers = job.team.specs.len();
        let build_now = job.team.build_now;
        let mut is_empty = job.source.size_hint().1 == Some(0) || job.team.control.is_ending();
        let source = Source::new(job.source);
        if !is_empty && !build_now {
            outlet.feed(usize::MAX, &mut Here(&source));
            is_empty = outlet.is_over();
        }
        let (bridge, control) = (Arc::clone(outlet.bridge()), Arc::clone(&job.team.control));
        let engine = if is_empty {
            Engine::idle(bridge, control)
        } else {
            let exit = job.team.exit();
            let hands = begin(job.team, &bridge, &|| Nothing);
            Engine::new(bridge, control, exit, hands)
        };
        if eager && engine.is_running() {
            // One is there already.
            for _ in 1..workers {
                if outlet.feed(workers, &mut Here(&source)) == 0 {
                    break;
                }
            }
        }
        Self { engine, outlet, source, stage: job.stage }
    }
}

impl<I: Iterator, O, H: Hands> Run<O> for FedRun<I, O, H> {
    #[inline(always)]
    fn ready(&mut self) -> Option<Finished<O>> {
        self.outlet.take_known()
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
            if self.engine.is_aborted() {
                self.engine.abort(&mut self.outlet, || {});
            }
            self.engine.end();
            self.outlet.clear();
        }
        self.engine.after_all()
    }

    fn in_flight(&self) -> (usize, usize) {
        self.outlet.in_flight()
    }

    fn pulled(&self) -> Option<usize> {
        self.engine.pulled(&self.outlet)
    }

    fn stop_when(&mut self, stop: StopWhen<O>) {
        self.outlet.stop_when(stop);
    }
}

impl<I: Iterator, O, H: Hands> fmt::Debug for FedRun<I, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FedRun").finish_non_exhaustive()
    }
}
