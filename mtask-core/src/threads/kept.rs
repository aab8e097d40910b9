//! Workers in threads that are kept from one run to the next.

use std::fmt;
use std::mem;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Threads;
use super::crew::{Crew, Hands, Started, patience};
use super::engine::{leave, work};
use super::enter::Loop;
use super::pulled::{PulledRun, Trace};
#[cfg(feature = "stream")]
use crate::backend::LaunchPolled;
use crate::backend::{Backend, Concurrent, Job, Launch, Next, Team, sealed};
use crate::bridge::{Bell, Bridge, Finished, StopWhen};
use crate::care::{Care, Summaries};
use crate::error::drop_caught;
use crate::life::Life;
use crate::source::{Remote, Source};
use crate::stats::Counters;
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::{Arc, Condvar, JoinHandle, Mutex, lock, wait_timeout};
use crate::trace::Scope;
use crate::{Spec, Summing, TaskError, Worker};

/// What a kept thread is asked to do with its worker.
type Task<S, W> = Box<dyn FnOnce(&mut Life<S, W>) + Send>;

/// Threads that hold a worker each, and what they were last asked for.
pub(crate) struct Kept<S, W: Worker> {
    specs: Vec<S>,
    settings: Threads,
    /// Where the summaries go of workers that are finished.
    summaries: Option<Arc<Summaries>>,
    /// Empty until they are started.
    threads: Vec<Sender<Task<S, W>>>,
    crew: Option<Crew<JoinHandle<()>>>,
    last: Option<Last>,
}

/// A run of kept threads, which may have been left early or forgotten.
struct Last {
    shift: Shift,
    run: Box<dyn AnyTrace + Send>,
}

/// The trace of a run, whatever its items.
trait AnyTrace {
    fn cancel(&self);

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
    }

    fn is_in_source(&self) -> bool {
        self.bridge.upgrade().is_some_and(|bridge| bridge.is_in_source())
    }
}

impl<S, W: Worker> Kept<S, W> {
    pub(crate) fn new(specs: Vec<S>) -> Self {
        Self {
            specs,
            settings: Threads::new(),
            summaries: None,
            threads: Vec::new(),
            crew: None,
            last: None,
        }
    }

    pub(crate) fn workers(&self) -> usize {
        self.specs.len()
    }

    /// How the threads are made.
    #[track_caller]
    pub(crate) fn on(&mut self, settings: Threads) {
        assert!(
            self.crew.is_none(),
            "mtask: `Pool::threads` came after the workers had started: set it before"
        );
        self.settings = settings;
    }

    /// The specs, before any thread has started, of one that is to be replaced.
    #[track_caller]
    pub(crate) fn take(&mut self) -> Self {
        assert!(
            self.crew.is_none(),
            "mtask: `Pool::with_summaries` came after the workers had started: set it before"
        );
        Self { settings: self.settings, ..Self::new(mem::take(&mut self.specs)) }
    }

    /// The same, whose workers are finished at their end, and not just dropped.
    pub(crate) fn finished(self, summaries: Arc<Summaries>) -> Kept<Summing<S>, W> {
        let specs = self.specs.into_iter().map(Summing).collect();
        Kept { settings: self.settings, summaries: Some(summaries), ..Kept::new(specs) }
    }

    /// Waits for what is left of the last run, which is cancelled if it was forgotten.
    fn wait_for_last(&mut self) {
        if let Some(last) = self.last.take() {
            // It may have been forgotten.
            last.run.cancel();
            last.shift.wait(|_| None);
        }
    }

    /// Ends the threads, and waits for them: as long as it takes, or as a run does that is left early.
    pub(crate) fn end(&mut self, timeout: Option<Duration>, whole: bool) {
        if whole {
            self.wait_for_last();
        }
        self.threads.clear();
        let last = self.last.take();
        if let Some(last) = &last {
            last.run.cancel();
        }
        if let Some(crew) = self.crew.take() {
            crew.join(timeout, &|| last.as_ref().is_some_and(|last| last.run.is_in_source()));
        }
    }
}

impl<S: Spec<W> + 'static, W: Worker + 'static> Kept<S, W> {
    /// Starts the threads where they are not there.
    fn started(&mut self) -> Started {
        if self.crew.is_some() {
            return Ok(());
        }
        let counters = Arc::new(Counters::new(self.specs.len()));
        let mut threads = Vec::with_capacity(self.specs.len());
        let mut loops: Vec<Loop<'static>> = Vec::with_capacity(self.specs.len());
        for (number, spec) in self.specs.iter().enumerate() {
            let (sender, tasks): (_, Receiver<Task<S, W>>) = channel();
            let (spec, counters) = (spec.clone(), Arc::clone(&counters));
            let care = Care { summaries: self.summaries.clone(), ..Care::default() };
            let trace = Scope::outside();
            threads.push(sender);
            loops.push(Box::new(move || {
                trace.enter(|| {
                    let mut life = Life::new(spec, number, care, counters, Arc::new(Bell::new()));
                    while let Ok(task) = tasks.recv() {
                        task(&mut life);
                    }
                    drop_caught(life);
                });
            }));
        }
        let (crew, outcome) =
            Crew::start(self.settings, loops, |builder, body| builder.spawn(body));
        if let Err(error) = outcome {
            drop(threads);
            crew.join(None, &|| false);
            return Err(error);
        }
        (self.threads, self.crew) = (threads, Some(crew));
        Ok(())
    }

    /// Has every thread do a task, and gives what can be waited for.
    ///
    /// A task may hold what it is given, beside the life, until it has come to its end.
    fn shift(&mut self, tasks: impl Iterator<Item = Task<S, W>>) -> Shift {
        let shift = Shift(Arc::new(Left { count: Mutex::new(0), changed: Condvar::new() }));
        for (thread, task) in self.threads.iter().zip(tasks) {
            *lock(&shift.0.count) += 1;
            let there = There(Arc::clone(&shift.0));
            let task: Task<S, W> = Box::new(move |life| {
                let _there = there;
                task(life);
            });
            // A thread takes tasks until the sender is dropped.
            let _ = thread.send(task);
        }
        shift
    }

    /// Builds the workers that are not there yet, all at once.
    ///
    /// # Errors
    ///
    /// That of the first worker, by its number, which could not be built.
    pub(crate) fn build(&mut self) -> Result<(), TaskError> {
        self.wait_for_last();
        self.started().map_err(|(worker, error)| TaskError::start_failed(worker, error))?;
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let counters = Arc::new(Counters::new(self.workers()));
        let trace = Scope::here();
        let tasks = (0..self.workers()).map(|_| -> Task<S, W> {
            let (outcomes, counters) = (Arc::clone(&outcomes), Arc::clone(&counters));
            let trace = trace.clone();
            Box::new(move |life| {
                life.begin(Care::default(), counters, Arc::new(Bell::new()));
                if let Err(error) = trace.worker(life.number()).enter(|| life.build(None)) {
                    lock(&outcomes).push(error);
                }
            })
        });
        self.shift(tasks).wait(|_| None);
        let first = lock(&outcomes).drain(..).min_by_key(TaskError::worker);
        first.map_or(Ok(()), Err)
    }

    /// Has every thread work at a bridge.
    fn work<I>(
        &mut self,
        team: &Team<Seat, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        source: &Arc<Source<I>>,
    ) -> (Shift, Started)
    where
        I: Iterator<Item = W::Input> + Send + 'static,
        W::Input: Send + 'static,
        W::Output: Send + 'static,
    {
        let nobody = Shift(Arc::new(Left { count: Mutex::new(0), changed: Condvar::new() }));
        if let Err(error) = self.started() {
            return (nobody, Err(error));
        }
        let build_now = team.build_now;
        let tasks = (0..self.workers()).map(|_| -> Task<S, W> {
            let (bridge, counters) = (Arc::clone(bridge), Arc::clone(&team.counters));
            let (care, pull) = (team.care.clone(), Remote(Arc::clone(source)));
            let trace = team.trace.clone();
            Box::new(move |life| {
                trace.worker(life.number()).enter(|| {
                    life.begin(care, counters, Arc::clone(bridge.bell()));
                    let pull = work(&bridge, life, pull, build_now);
                    leave(&bridge, pull);
                });
            })
        });
        (self.shift(tasks), Ok(()))
    }
}

/// The threads of a run that are kept after it.
#[derive(Clone, Debug)]
pub struct Shift(Arc<Left>);

/// How many threads have not come to the end of their task.
#[derive(Debug)]
struct Left {
    count: Mutex<usize>,
    changed: Condvar,
}

/// A thread at its task.
struct There(Arc<Left>);

impl Drop for There {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.changed.notify_all();
    }
}

impl Shift {
    /// Waits until all are through, or for as long as `limit` says, which is asked anew whenever
    /// one is.
    fn wait(&self, limit: impl Fn(usize) -> Option<Duration>) {
        let start = Instant::now();
        let mut count = lock(&self.0.count);
        while *count > 0 {
            let left = limit(*count).map(|limit| limit.saturating_sub(start.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            count = wait_timeout(&self.0.changed, count, left);
        }
    }
}

impl Hands for Shift {
    fn join(self, timeout: Option<Duration>, is_in_source: &dyn Fn() -> bool) {
        self.wait(patience(timeout, is_in_source));
    }
}

/// In place of a spec, where the worker is there already.
#[derive(Clone, Copy, Debug)]
pub struct Seat;

/// The workers of a pool; the backend of [`Pool::map`](crate::Pool::map).
pub struct Pooled<'p, S, W: Worker>(pub(crate) &'p mut Kept<S, W>);

impl<S, W: Worker> fmt::Debug for Pooled<'_, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").field("workers", &self.0.workers()).finish_non_exhaustive()
    }
}

impl<S, W: Worker> sealed::Sealed for Pooled<'_, S, W> {}
impl<S, W: Worker> Concurrent for Pooled<'_, S, W> {}

impl<S, K: Worker> Backend for Pooled<'_, S, K> {
    type Run<I: Iterator, T, W: Worker<Input = I::Item>> = PulledRun<I, W::Output, Shift>;

    const KIND: &'static str = "pool";
}

impl<I, S, W> Launch<I, Seat, W> for Pooled<'_, S, W>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: Send + 'static,
{
    fn launch(self, job: Job<I, Seat, W>, eager: bool) -> Self::Run<I, Seat, W> {
        let Self(kept) = self;
        kept.wait_for_last();
        let mut shift = None;
        let run = PulledRun::start(job, eager, 1, |team, bridge, source| {
            let begun = kept.work(&team, bridge, source);
            shift = Some(begun.0.clone());
            begun
        });
        kept.last = shift.map(|shift| Last { shift, run: Box::new(run.trace()) });
        run
    }

    #[inline(always)]
    fn ready(run: &mut Self::Run<I, Seat, W>) -> Option<Finished<W::Output>> {
        run.ready()
    }

    fn next(run: &mut Self::Run<I, Seat, W>) -> Next<W::Output> {
        run.next()
    }

    fn in_flight(run: &Self::Run<I, Seat, W>) -> (usize, usize) {
        run.in_flight()
    }

    fn stop_when(run: &mut Self::Run<I, Seat, W>, stop: StopWhen<W::Output>) {
        run.stop_when(stop);
    }
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, Seat, W> for Pooled<'_, S, W>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: Send + 'static,
{
    fn poll(run: &mut Self::Run<I, Seat, W>, task: &mut Context<'_>) -> Poll<Next<W::Output>> {
        run.poll(task)
    }
}
