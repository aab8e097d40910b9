//! A run whose workers pull the source.

use std::fmt;
#[cfg(feature = "stream")]
use std::task::{Context, Poll, ready};

#[cfg(feature = "stream")]
use super::consumer::PolledRun;
use super::consumer::Run;
use super::control::Control;
use super::job::{Job, Next, Team};
use super::nested::Stage;
use super::source::{Puller, Source};
use super::team::{Crew, Handle, Handles, Hands, Started};
use super::worker_loop::Engine;
use crate::Worker;
use crate::bridge::{Bridge, Finished, Outlet, StopWhen};
use crate::sync::{Arc, Weak, lock};

/// A run whose workers pull the source, seen from its consumer.
pub struct PulledRun<I: Iterator, O, H: Hands> {
    engine: Engine<I::Item, O, H>,
    outlet: Outlet<I::Item, O>,
    source: Arc<Source<I>>,
    stage: Stage,
}

/// What a run leaves behind that was forgotten, as far as it is still there.
struct Trace<I: Iterator, O> {
    bridge: Weak<Bridge<I::Item, O>>,
    control: Weak<Control>,
    source: Weak<Source<I>>,
}

/// A [`Trace`], whatever its items.
pub(crate) trait AnyTrace {
    /// Ends the run, where it is still there.
    fn cancel(&self);

    /// A worker is inside its source.
    fn is_in_source(&self) -> bool;
}

impl<I: Iterator, O> AnyTrace for Trace<I, O> {
    fn cancel(&self) {
        if let Some(source) = self.source.upgrade() {
            source.cancel();
        }
        if let Some(bridge) = self.bridge.upgrade() {
            bridge.cancel();
        }
        if let Some(control) = self.control.upgrade() {
            control.cancel();
        }
    }

    fn is_in_source(&self) -> bool {
        self.bridge.upgrade().is_some_and(|bridge| bridge.is_in_source())
    }
}

/// A run that can be ended from outside, whatever its items.
pub(crate) trait Cancel {
    fn cancel(&self);
}

impl<T, O> Cancel for Bridge<T, O> {
    fn cancel(&self) {
        Bridge::cancel(self);
    }
}

impl Cancel for Control {
    fn cancel(&self) {
        Control::cancel(self);
    }
}

impl<I: Iterator> Cancel for Source<I> {
    fn cancel(&self) {
        Source::cancel(self);
    }
}

impl<H> Cancel for Handles<H> {
    /// Lets go of the threads, which the scope itself waits for.
    fn cancel(&self) {
        lock(self).clear();
    }
}

impl<I: Iterator, O, H: Hands> PulledRun<I, O, H> {
    /// Starts the threads, unless the source is seen to be empty.
    ///
    /// A source that may be empty is asked for its first item here, on the consumer's thread, so
    /// that nothing is spawned for none. Not so where the caller is not to be held up (`eager`),
    /// or where no item may be pulled before the workers are built.
    ///
    /// `begin` starts `lanes` loops for each spec, each of which pulls by what it is given.
    pub(crate) fn start<S, W>(
        job: Job<I, S, W>,
        eager: bool,
        lanes: usize,
        begin: impl FnOnce(Team<S, W>, &Arc<Bridge<I::Item, O>>, &dyn Fn() -> Puller<I>) -> (H, Started),
    ) -> Self
    where
        W: Worker<Input = I::Item, Output = O>,
    {
        let mut outlet = job.outlet(false, lanes);
        let (least, most) = job.source.size_hint();
        let source = Arc::new(Source::new(job.source));
        let mut is_empty = most == Some(0) || job.team.control.is_ending();
        if least == 0 && !is_empty && !eager && !job.team.build_now {
            outlet.feed(usize::MAX, &mut Puller::of_consumer(&source));
            is_empty = outlet.is_over();
        }
        let (bridge, control) = (Arc::clone(outlet.bridge()), Arc::clone(&job.team.control));
        let engine = if is_empty {
            Engine::idle(bridge, control)
        } else {
            let exit = job.team.exit();
            let hands = begin(job.team, &bridge, &|| Puller::of_worker(&source));
            Engine::new(bridge, control, exit, hands)
        };
        Self { engine, outlet, source, stage: job.stage }
    }

    /// What works at it, unless it has been joined.
    pub(crate) fn hands(&self) -> Option<&H> {
        self.engine.hands()
    }

    /// Ends the run once the consumer is given no more: all has been yielded, or it was cancelled or aborted.
    fn end(&mut self) {
        if self.engine.is_aborted() {
            self.engine.abort(&mut self.outlet, || self.source.cancel());
        }
        self.stop(Engine::end);
    }

    /// Ends the run, in this way, and all that feeds it, and drops the source where nobody is inside.
    fn stop(&mut self, how: fn(&mut Engine<I::Item, O, H>)) {
        // A run that came to its end leaves its stages alone: whoever lent them may go on.
        let was_closed = self.engine.control().is_closed();
        if self.engine.is_running() && (was_closed || !self.outlet.is_over()) {
            self.source.cancel();
        }
        how(&mut self.engine);
        self.outlet.clear();
        drop(self.source.close());
    }

    /// What has to be cancelled where the run was forgotten.
    pub(crate) fn trace(&self) -> Box<dyn AnyTrace + Send>
    where
        I: Send + 'static,
        I::Item: Send + 'static,
        O: Send + 'static,
    {
        let bridge = Arc::downgrade(&self.engine.bridge);
        let control = Arc::downgrade(self.engine.control());
        Box::new(Trace { bridge, control, source: Arc::downgrade(&self.source) })
    }
}

impl<I: Iterator, O, H: Hands> Run<O> for PulledRun<I, O, H> {
    #[inline(always)]
    fn ready(&mut self) -> Option<Finished<O>> {
        self.outlet.take_ready()
    }

    fn next(&mut self) -> Next<O> {
        if let Some(error) = self.engine.start_error() {
            return Ok(Some(error));
        }
        if self.engine.is_running() {
            // Here is where it may be held up, and has to be within reach.
            self.stage.attach(self.engine.control());
            if let Some(finished) = self.outlet.take() {
                return Ok(Some(finished));
            }
            self.end();
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

#[cfg(feature = "stream")]
impl<I: Iterator, O, H: Hands> PolledRun<O> for PulledRun<I, O, H> {
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Next<O>> {
        if let Some(error) = self.engine.start_error() {
            return Poll::Ready(Ok(Some(error)));
        }
        if self.engine.is_running() {
            self.stage.attach(self.engine.control());
            if let Some(finished) = ready!(self.outlet.poll(task.waker())) {
                return Poll::Ready(Ok(Some(finished)));
            }
            self.end();
        }
        Poll::Ready(self.engine.after_all())
    }
}

impl<I: Iterator, O, H: Handle> PulledRun<I, O, Crew<H>> {
    /// What a scope that is left has to cancel, should the run have been forgotten.
    pub(crate) fn ends<'a>(&self) -> Vec<Weak<dyn Cancel + Send + Sync + 'a>>
    where
        I: Send + 'a,
        I::Item: Send + 'a,
        O: Send + 'a,
        H: Send + 'a,
    {
        let Some(crew) = self.engine.hands() else { return Vec::new() };
        let source: Arc<dyn Cancel + Send + Sync + 'a> = self.source.clone();
        let bridge: Arc<dyn Cancel + Send + Sync + 'a> = self.engine.bridge.clone();
        let control: Arc<dyn Cancel + Send + Sync + 'a> = self.engine.control().clone();
        let handles: Arc<dyn Cancel + Send + Sync + 'a> = Arc::clone(crew.handles()) as _;
        [source, bridge, control, handles].iter().map(Arc::downgrade).collect()
    }
}

impl<I: Iterator, O, H: Hands> Drop for PulledRun<I, O, H> {
    fn drop(&mut self) {
        self.stop(Engine::leave);
    }
}

impl<I: Iterator, O, H: Hands> fmt::Debug for PulledRun<I, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulledRun").finish_non_exhaustive()
    }
}
