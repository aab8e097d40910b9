//! A run whose source is a stream, polled by the consumer.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;

use super::threads::Threads;
use super::{Backend, Concurrent, Finishing, Nothing, Polled, PolledRun, Replaceable, Run, Start};
use super::{Workers, sealed};
use crate::Worker;
use crate::bridge::{Finished, Outlet, PollPull, Pull, StopWhen, Turn};
use crate::error::drop_caught;
use crate::run::job::{Job, Next, Team};
use crate::run::nested::Stage;
use crate::run::worker_loop::Engine;
use crate::sync::Arc;

/// Workers on another backend, over a stream that stays with the consumer: it may be `!Send`.
///
/// The backend of [`par_stateful_stream`](crate::par_stateful_stream). The stream is polled inside
/// `poll_next`, by the consumer's task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streamed<B = Threads>(pub(crate) B);

impl<B: Backend> sealed::Sealed for Streamed<B> {}
impl<B: Concurrent> Polled for Streamed<B> {}
impl<B: Concurrent + Finishing> Finishing for Streamed<B> {}

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

impl<B: Concurrent> Backend for Streamed<B> {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = StreamedRun<I, S, W, B>;

    type With<C: Concurrent> = Streamed<C>;

    const KIND: &'static str = B::KIND;

    fn with<C: Concurrent>(backend: C) -> Streamed<C> {
        Streamed(backend)
    }
}

impl<B: Concurrent> Concurrent for Streamed<B> {
    type Hands = B::Hands;
}

impl<B: Concurrent> Replaceable for Streamed<B> {}

impl<St, S, W, B> Start<StreamSource<St>, S, W> for Streamed<B>
where
    St: Stream,
    W: Worker<Input = St::Item>,
    B: Workers<S, W, Nothing>,
{
    fn start(
        self,
        job: Job<StreamSource<St>, S, W>,
        eager: bool,
    ) -> StreamedRun<StreamSource<St>, S, W, B> {
        let Self(backend) = self;
        let outlet = job.outlet(true, backend.lanes(job.team.specs.len()));
        let engine = Engine::idle(Arc::clone(outlet.bridge()), Arc::clone(&job.team.control));
        let is_empty = job.source.size_hint().1 == Some(0) || job.team.control.is_ending();
        let team = Some((job.team, backend));
        let mut run = StreamedRun { team, engine, outlet, source: job.source, stage: job.stage };
        if eager && !is_empty {
            run.begin();
        }
        run
    }
}

/// A run whose consumer polls the source.
pub struct StreamedRun<I: Iterator, S, W: Worker<Input = I::Item>, B: Concurrent> {
    /// `None` once the workers have been started, or there is no use for them.
    team: Option<(Team<S, W>, B)>,
    engine: Engine<I::Item, W::Output, B::Hands>,
    outlet: Outlet<I::Item, W::Output>,
    source: I,
    stage: Stage,
}

impl<St, S, W, B> Run<W::Output> for StreamedRun<StreamSource<St>, S, W, B>
where
    St: Stream,
    W: Worker<Input = St::Item>,
    B: Workers<S, W, Nothing>,
{
    #[inline(always)]
    fn ready(&mut self) -> Option<Finished<W::Output>> {
        self.outlet.take_known()
    }

    fn next(&mut self) -> Next<W::Output> {
        unreachable!("a run over a stream is only ever polled")
    }

    fn in_flight(&self) -> (usize, usize) {
        self.outlet.in_flight()
    }

    fn pulled(&self) -> Option<usize> {
        self.engine.pulled(&self.outlet)
    }

    fn stop_when(&mut self, stop: StopWhen<W::Output>) {
        self.outlet.stop_when(stop);
    }
}

impl<St, S, W, B> PolledRun<W::Output> for StreamedRun<StreamSource<St>, S, W, B>
where
    St: Stream,
    W: Worker<Input = St::Item>,
    B: Workers<S, W, Nothing>,
{
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Next<W::Output>> {
        self.stage.attach(self.engine.control());
        ready!(self.begin_with_item(task));
        if let Some(error) = self.engine.start_error() {
            return Poll::Ready(Ok(Some(error)));
        }
        if self.engine.is_running() {
            let mut pull = Asked { source: &mut self.source, task, is_pending: false };
            if let Some(finished) = ready!(self.outlet.poll_and_feed(&mut pull)) {
                return Poll::Ready(Ok(Some(finished)));
            }
            if self.engine.is_aborted() {
                self.engine.abort(&mut self.outlet, || {});
            }
            self.engine.end();
            self.outlet.clear();
        }
        Poll::Ready(self.engine.after_all())
    }
}

/// What a run does with its workers, wherever they are.
trait Begin {
    /// Starts the threads.
    fn begin(&mut self);

    /// Starts the threads once there is an item, so that a stream that has none for long, or ever, costs
    /// nothing.
    fn begin_with_item(&mut self, task: &mut Context<'_>) -> Poll<()>;
}

impl<St, S, W, B> Begin for StreamedRun<StreamSource<St>, S, W, B>
where
    St: Stream,
    W: Worker<Input = St::Item>,
    B: Workers<S, W, Nothing>,
{
    fn begin(&mut self) {
        let Some((team, backend)) = self.team.take() else { return };
        let (bridge, control) = (Arc::clone(self.outlet.bridge()), Arc::clone(&team.control));
        let exit = team.exit();
        let hands = backend.begin(team, &bridge, &|| Nothing);
        // In place of one that has no threads, and so nothing to stop.
        drop(mem::replace(&mut self.engine, Engine::new(bridge, control, exit, hands)));
    }

    fn begin_with_item(&mut self, task: &mut Context<'_>) -> Poll<()> {
        let Some((team, _)) = &self.team else { return Poll::Ready(()) };
        self.outlet.listen(task.waker());
        let mut is_empty = self.engine.control().is_ending();
        if !is_empty && !team.build_now {
            let mut pull = Asked { source: &mut self.source, task, is_pending: false };
            self.outlet.feed(usize::MAX, &mut pull);
            if pull.is_pending {
                return Poll::Pending;
            }
            is_empty = self.outlet.is_over();
        }
        if is_empty {
            self.team = None;
        } else {
            self.begin();
        }
        Poll::Ready(())
    }
}

impl<I, S, W, B> fmt::Debug for StreamedRun<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Concurrent,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedRun").finish_non_exhaustive()
    }
}
