//! A run in threads, seen from its consumer.

use std::io;
use std::time::Duration;

use super::crew::{Crew, Handle, Handles};
use super::enter::Loop;
use crate::backend::Team;
use crate::bridge::{Bridge, Finished, Pulled};
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
    /// Starts a thread for each spec; each gets a `pull` of its own, by which it asks the source.
    pub(super) fn start<'a, S, W, P>(
        team: Team<S>,
        bridge: Arc<Bridge<T, O>>,
        pull: impl Fn() -> P,
        spawn: impl Fn(Builder, Loop<'a>) -> io::Result<H>,
    ) -> Self
    where
        T: Send + 'a,
        O: Send + 'a,
        S: Spec<W> + 'a,
        W: Worker<Input = T, Output = O>,
        P: FnMut(usize) -> Pulled<T> + Send + 'a,
    {
        let Team { specs, counters, build_now, timeout } = team;
        let mut loops: Vec<Loop<'a>> = Vec::with_capacity(specs.len());
        for (number, spec) in specs.into_iter().enumerate() {
            let bridge = Arc::clone(&bridge);
            let counters = Arc::clone(&counters);
            let pull = pull();
            loops.push(Box::new(move || work(&bridge, spec, number, counters, pull, build_now)));
        }
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

/// One worker's loop: claims, runs and publishes until the bridge has nothing more. Does not
/// unwind, which rayon would answer by aborting the process.
fn work<T, O, S, W>(
    bridge: &Bridge<T, O>,
    spec: S,
    number: usize,
    counters: Arc<Counters>,
    mut pull: impl FnMut(usize) -> Pulled<T>,
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
    while let Some((index, input)) = bridge.claim(life.is_built(), &mut pull) {
        let was_retired = life.is_retired();
        let result = life.run(index, input);
        bridge.publish(index, (!was_retired).then_some(number), result);
        if !was_retired && life.is_retired() && !bridge.retire() {
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

/// Drops inputs and results that nobody will ask for.
fn discard<T, O>(bridge: &Bridge<T, O>) {
    let (inputs, results, build_error) = bridge.clear();
    drop_caught(build_error);
    for input in inputs {
        drop_caught(input);
    }
    for result in results {
        drop_caught(result);
    }
}
