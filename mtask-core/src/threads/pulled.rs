//! A run whose workers pull the source.

use std::fmt;
use std::io;
use std::panic::resume_unwind;

use super::crew::Handle;
use super::engine::Engine;
use super::enter::Loop;
use crate::backend::{Finished, Job};
use crate::bridge::StopWhen;
use crate::source::Source;
use crate::stage::Stage;
use crate::sync::{Arc, Builder};
use crate::{Spec, Worker};

/// A run whose workers pull the source, seen from its consumer.
pub struct PulledRun<I: Iterator, O, H: Handle> {
    engine: Engine<I::Item, O, H>,
    source: Arc<Source<I>>,
    stage: Stage,
}

impl<I: Iterator, O, H: Handle> PulledRun<I, O, H> {
    /// Starts the threads, unless the source is seen to be empty.
    ///
    /// A source that may be empty is asked for its first item here, on the consumer's thread, so
    /// that nothing is spawned for none. Not so where the caller is not to be held up (`eager`),
    /// or where no item may be pulled before the workers are built.
    pub(super) fn start<'a, S, W>(
        job: Job<I, S, W>,
        eager: bool,
        spawn: impl Fn(Builder, Loop<'a>) -> io::Result<H>,
    ) -> Self
    where
        I: Send + 'a,
        I::Item: Send + 'a,
        S: Spec<W> + 'a,
        W: Worker<Input = I::Item, Output = O>,
        O: Send + 'a,
    {
        let bridge = job.bridge(false);
        let (least, most) = job.source.size_hint();
        let source = Arc::new(Source::new(job.source));
        let mut is_empty = most == Some(0);
        if least == 0 && !is_empty && !eager && !job.team.build_now {
            bridge.feed(&mut |_| source.pull_here());
            is_empty = bridge.is_over();
        }
        let engine = if is_empty {
            Engine::idle(bridge)
        } else {
            let pull = || {
                let source = Arc::clone(&source);
                move |index| source.pull(index)
            };
            Engine::start(job.team, bridge, pull, spawn)
        };
        Self { engine, source, stage: job.stage }
    }

    pub(super) fn next(&mut self) -> Option<Finished<O>> {
        if let Some(error) = self.engine.start_error() {
            return Some(error);
        }
        if self.engine.is_running() {
            self.stage.attach(self.engine.bridge.bell());
            if let Some(finished) = self.engine.bridge.take() {
                return Some(finished);
            }
            self.stop();
        }
        if let Some(payload) = self.engine.bridge.source_panic() {
            resume_unwind(payload);
        }
        None
    }

    pub(super) fn stop_when(&self, stop: StopWhen<O>) {
        self.engine.bridge.stop_when(stop);
    }

    /// Ends the run and all that feeds it, and drops the source where nobody is inside.
    fn stop(&mut self) {
        self.source.cancel();
        self.engine.stop();
        drop(self.source.close());
    }

    pub(super) fn source(&self) -> &Arc<Source<I>> {
        &self.source
    }

    pub(super) fn engine(&self) -> &Engine<I::Item, O, H> {
        &self.engine
    }
}

impl<I: Iterator, O, H: Handle> Drop for PulledRun<I, O, H> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<I: Iterator, O, H: Handle> fmt::Debug for PulledRun<I, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulledRun").finish_non_exhaustive()
    }
}
