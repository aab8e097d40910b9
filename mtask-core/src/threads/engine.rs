//! A run in threads, seen from its consumer.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::crew::{Crew, Handle, Handles};
use super::enter::Loop;
use super::pace::Pace;
use crate::backend::Team;
use crate::bridge::{Bridge, Chunk, Finished, Pull};
use crate::error::drop_caught;
use crate::life::Life;
use crate::stats::Counters;
use crate::sync::{Arc, Builder};
use crate::{Spec, TaskError, Worker};

/// A bridge and the threads that work at it.
pub(super) struct Engine<T, O, H: Handle> {
    pub(super) bridge: Arc<Bridge<T, O>>,
    /// `None` once they are joined.
    crew: Option<Crew<H>>,
    start_error: Option<TaskError>,
    timeout: Option<Duration>,
}

impl<T, O, H: Handle> Engine<T, O, H> {
    /// Starts a thread for each loop.
    pub(crate) fn start<'a>(
        bridge: Arc<Bridge<T, O>>,
        loops: Vec<Loop<'a>>,
        timeout: Option<Duration>,
        spawn: impl Fn(Builder, Loop<'a>) -> io::Result<H>,
    ) -> Self {
        let (crew, outcome) = Crew::start(loops, spawn);
        let mut engine = Self { bridge, crew: Some(crew), start_error: None, timeout };
        if let Err((worker, error)) = outcome {
            engine.stop();
            engine.start_error = Some(TaskError::start_failed(worker, error));
        }
        engine
    }

    /// No threads at all, for a run with no items.
    pub(super) fn idle(bridge: Arc<Bridge<T, O>>) -> Self {
        Self { bridge, crew: None, start_error: None, timeout: None }
    }

    /// Cancels what is still going on and joins the threads.
    pub(super) fn stop(&mut self) {
        let Some(crew) = self.crew.take() else { return };
        self.bridge.cancel();
        crew.join(self.timeout, || self.bridge.is_in_source());
        discard(&self.bridge);
    }

    /// The handles of the threads, unless they have been joined.
    pub(super) fn handles(&self) -> Option<Arc<Handles<H>>> {
        Some(Arc::clone(self.crew.as_ref()?.handles()))
    }

    /// True while the threads have not been joined.
    pub(super) fn is_running(&self) -> bool {
        self.crew.is_some()
    }

    /// The error that stands for the whole run, where it could not be started.
    pub(super) fn start_error(&mut self) -> Option<Finished<O>> {
        let error = self.start_error.take()?;
        Some(Finished { index: None, worker: error.worker(), result: Err(error) })
    }
}

impl<T, O, H: Handle> Drop for Engine<T, O, H> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A loop for each spec; each gets a `pull` of its own, by which it asks the source.
pub(super) fn loops<'a, T, O, S, W, P>(
    team: Team<S>,
    bridge: &Arc<Bridge<T, O>>,
    pull: impl Fn() -> P,
) -> Vec<Loop<'a>>
where
    T: Send + 'a,
    O: Send + 'a,
    S: Spec<W> + 'a,
    W: Worker<Input = T, Output = O>,
    P: Pull<T> + Send + 'a,
{
    let Team { specs, counters, build_now, .. } = team;
    let mut loops: Vec<Loop<'a>> = Vec::with_capacity(specs.len());
    for (number, spec) in specs.into_iter().enumerate() {
        let bridge = Arc::clone(bridge);
        let counters = Arc::clone(&counters);
        let pull = pull();
        loops.push(Box::new(move || work(&bridge, spec, number, counters, pull, build_now)));
    }
    loops
}

/// One worker's loop: claims, runs and publishes until the bridge has nothing more. Does not
/// unwind, which rayon would answer by aborting the process.
fn work<T, O, S, W>(
    bridge: &Bridge<T, O>,
    spec: S,
    number: usize,
    counters: Arc<Counters>,
    mut pull: impl Pull<T>,
    build_now: bool,
) where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    let mut life = Life::new(spec, number, counters);
    if build_now {
        let outcome = life.build(None);
        bridge.report_build(number, outcome);
    }
    let mut pace = Pace::new();
    let mut last = None;
    while let Some(mut chunk) = bridge.claim(number, last, pace.stride(life.is_built()), &mut pull)
    {
        let is_retired = life.is_retired();
        pace.start(life.is_built());
        if !life.is_built() {
            run_one(bridge, &mut life, (!is_retired).then_some(number), &mut chunk);
        }
        let count = run_chunk(bridge, &mut life, number, &mut chunk);
        if !life.is_built() {
            bridge.give_back(&mut chunk);
            life.end();
        }
        pace.stop(count);
        last = Some(chunk);
        if !is_retired && life.is_retired() && !bridge.retire(number) {
            break;
        }
    }
    drop_caught(life);
    if bridge.is_cancelled() {
        // The consumer may not have waited for this thread, if it was inside the source.
        discard(bridge);
    }
    drop_caught(pull);
}

/// Runs what was claimed, up to a panic. Gives how many items that were.
///
/// Panics are caught once around all of them, since that is not free: the item in hand is the one
/// that was taken and not published.
fn run_chunk<T, O, S, W>(
    bridge: &Bridge<T, O>,
    life: &mut Life<S, W>,
    number: usize,
    chunk: &mut Chunk<T, O>,
) -> usize
where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    let Some(worker) = life.worker() else { return 0 };
    let from = chunk.index();
    let ran = catch_unwind(AssertUnwindSafe(|| run_all(bridge, worker, chunk)));
    if let Err(payload) = ran {
        let error = life.panicked(chunk.index(), payload);
        bridge.publish(chunk, Some(number), Err(error));
    }
    chunk.index() - from
}

/// A function of its own, so that what it keeps of the claim stays in registers.
#[inline(never)]
fn run_all<W: Worker>(
    bridge: &Bridge<W::Input, W::Output>,
    worker: &mut W,
    chunk: &mut Chunk<W::Input, W::Output>,
) {
    bridge.run(chunk, |input| worker.call(input));
}

/// Runs an item at a worker that is to be built first.
fn run_one<T, O, S, W>(
    bridge: &Bridge<T, O>,
    life: &mut Life<S, W>,
    worker: Option<usize>,
    chunk: &mut Chunk<T, O>,
) where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    if let Some((index, input)) = bridge.next(chunk) {
        let result = life.run(index, input);
        bridge.publish(chunk, worker, result);
    }
}

/// Drops inputs and results that nobody will ask for.
fn discard<T, O>(bridge: &Bridge<T, O>) {
    drop_caught(bridge.clear().build_error);
}
