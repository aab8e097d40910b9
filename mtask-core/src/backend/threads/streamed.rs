//! A run whose source is a stream, polled by the consumer.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;

use super::local::Nothing;
use crate::backend::{Backend, Concurrent, Launch, LaunchPolled, sealed};
use crate::bridge::{Outlet, PollPull, Pull, StopWhen, Turn};
use crate::error::drop_caught;
use crate::run::job::{Job, Next, Team};
use crate::run::nested::Stage;
use crate::run::team::{Crew, SpawnedPanics, ThreadSettings};
use crate::run::worker_loop::{self, Engine};
use crate::sync::{Arc, JoinHandle};
use crate::{Spec, Worker};

/// Workers in threads, over a stream that stays with the consumer: it may be `!Send`.
///
/// The backend of [`par_stateful_stream`](crate::par_stateful_stream). The stream is polled inside
/// `poll_next`, by the consumer's task.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Streamed {}

impl sealed::Sealed for Streamed {}
impl Concurrent for Streamed {}

/// A stream as the source of a run, where others have an iterator.
pub struct StreamSource<St> {
    /// In a box, so that it stays where it is while the run moves; `None` after the end.
    stream: Option<Pin<Box<St>>>,
}

impl<St: Stream> StreamSource<St> {
    pub(crate) fn new(stream: St) -> Self {
        Self { stream: Some(Box::pin(stream)) }
    }

    /// The next item. The stream is dropped at its end.
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Option<St::Item>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        let item = ready!(stream.as_mut().poll_next(task));
        if item.is_none() {
            self.stream = None;
        }
        Poll::Ready(item)
    }
}

/// Its items as far as they are there.
impl<St: Stream> Iterator for StreamSource<St> {
    type Item = St::Item;

    fn next(&mut self) -> Option<St::Item> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(item) => item,
            Poll::Pending => None,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), |stream| stream.size_hint())
    }
}

impl<St> fmt::Debug for StreamSource<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSource")
            .field("ended", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}

/// A source that is asked for one poll of the run.
struct Asked<'a, 'task, St> {
    source: &'a mut StreamSource<St>,
    task: &'a mut Context<'task>,
    is_pending: bool,
}

impl<St: Stream> Pull<St::Item> for Asked<'_, '_, St> {
    fn turn(&mut self, _index: usize, mut keep: impl FnMut(St::Item) -> bool) -> Turn {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.source.poll(self.task))) {
                Ok(Poll::Ready(Some(item))) => {
                    if !keep(item) {
                        return Turn::Enough;
                    }
                }
                Ok(Poll::Ready(None)) => return Turn::End,
                Ok(Poll::Pending) => {
                    self.is_pending = true;
                    return Turn::Enough;
                }
                Err(payload) => {
                    drop_caught(self.source.stream.take());
                    return Turn::Panicked(payload);
                }
            }
        }
    }
}

impl<St: Stream> PollPull<St::Item> for Asked<'_, '_, St> {
    fn is_pending(&self) -> bool {
        self.is_pending
    }

    fn waker(&self) -> &Waker {
        self.task.waker()
    }
}

impl Backend for Streamed {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = StreamedRun<I, S, W>;

    const KIND: &'static str = "stream";
}

impl<St, S, W> Launch<StreamSource<St>, S, W> for Streamed
where
    St: Stream,
    St::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = St::Item>,
    W::Output: Send + 'static,
{
    fn launch(
        self,
        job: Job<StreamSource<St>, S, W>,
        _eager: bool,
    ) -> StreamedRun<StreamSource<St>, S, W> {
        let outlet = job.outlet(true, 1);
        let engine = Engine::idle(Arc::clone(outlet.bridge()), Arc::clone(&job.team.control));
        StreamedRun { team: Some(job.team), engine, outlet, source: job.source, stage: job.stage }
    }

    fn next(_run: &mut Self::Run<StreamSource<St>, S, W>) -> Next<W::Output> {
        unreachable!("a run over a stream is only ever polled")
    }

    fn in_flight(run: &Self::Run<StreamSource<St>, S, W>) -> (usize, usize) {
        run.outlet.in_flight()
    }

    fn pulled(run: &Self::Run<StreamSource<St>, S, W>) -> Option<usize> {
        run.outlet.pulled()
    }

    fn stop_when(run: &mut Self::Run<StreamSource<St>, S, W>, stop: StopWhen<W::Output>) {
        run.outlet.stop_when(stop);
    }
}

impl<St, S, W> LaunchPolled<StreamSource<St>, S, W> for Streamed
where
    St: Stream,
    St::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = St::Item>,
    W::Output: Send + 'static,
{
    fn poll(
        run: &mut Self::Run<StreamSource<St>, S, W>,
        task: &mut Context<'_>,
    ) -> Poll<Next<W::Output>> {
        run.poll(task)
    }
}

/// A run whose consumer polls the source.
pub struct StreamedRun<I: Iterator, S, W: Worker<Input = I::Item>> {
    /// `None` once the threads have been started, or there is no use for them.
    team: Option<Team<S, W>>,
    engine: Engine<I::Item, W::Output, Crew<JoinHandle<()>>>,
    outlet: Outlet<I::Item, W::Output>,
    source: I,
    stage: Stage,
}

impl<St, S, W> StreamedRun<StreamSource<St>, S, W>
where
    St: Stream,
    St::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = St::Item>,
    W::Output: Send + 'static,
{
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Next<W::Output>> {
        self.stage.attach(self.engine.control());
        if self.team.is_some() {
            ready!(self.begin(task));
        }
        if let Some(error) = self.engine.start_error() {
            return Poll::Ready(Ok(Some(error)));
        }
        if self.engine.is_running() {
            let mut pull = Asked { source: &mut self.source, task, is_pending: false };
            if let Some(finished) = ready!(self.outlet.poll_and_feed(&mut pull)) {
                return Poll::Ready(Ok(Some(finished)));
            }
            self.engine.stop();
            self.outlet.clear();
        }
        Poll::Ready(self.engine.bridge.source_panic().map_or(Ok(None), Err))
    }

    /// Starts the threads once there is an item, so that a stream that has none for long, or ever, costs
    /// nothing.
    fn begin(&mut self, task: &mut Context<'_>) -> Poll<()> {
        let Some(team) = &self.team else { return Poll::Ready(()) };
        self.outlet.listen(task.waker());
        let control = self.engine.control();
        let mut is_empty = control.is_ending();
        if !is_empty && !team.build_now {
            let mut pull = Asked { source: &mut self.source, task, is_pending: false };
            self.outlet.feed(usize::MAX, &mut pull);
            if pull.is_pending {
                return Poll::Pending;
            }
            is_empty = self.outlet.is_over();
        }
        let Some(team) = self.team.take() else { unreachable!("it was looked at") };
        if !is_empty {
            let (bridge, control) = (Arc::clone(self.outlet.bridge()), Arc::clone(&team.control));
            let timeout = team.timeout;
            let panics = SpawnedPanics::of(&team.counters, &team.trace);
            let loops = worker_loop::loops(team, &bridge, || Nothing);
            let crew = Crew::start(ThreadSettings::default(), loops, panics, |builder, body| {
                builder.spawn(body)
            });
            // In place of one that has no threads, and so nothing to stop.
            drop(mem::replace(&mut self.engine, Engine::new(bridge, control, timeout, crew)));
        }
        Poll::Ready(())
    }
}

impl<I: Iterator, S, W: Worker<Input = I::Item>> fmt::Debug for StreamedRun<I, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedRun").finish_non_exhaustive()
    }
}
