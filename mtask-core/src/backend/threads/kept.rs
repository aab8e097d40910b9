//! Workers in threads that are kept from one run to the next.

use std::fmt;
use std::time::Instant;

use super::Threads;
use crate::backend::{Pooled, Pull, Reusable, Seat, Start, Workers, pulled};
use crate::bridge::Bridge;
use crate::error::drop_caught;
use crate::observe::stats::Counters;
use crate::observe::trace::Scope;
use crate::run::builds::Builds;
use crate::run::control::Control;
use crate::run::exit::{End, Limits};
use crate::run::job::{Job, Team};
use crate::run::lifecycle::{Life, Record};
use crate::run::policy::{Care, Summaries};
use crate::run::pulled::AnyTrace;
use crate::run::team::enter::Loop;
use crate::run::team::membership::Membership;
use crate::run::team::{Crew, Hands, SpawnedPanics, Started};
use crate::run::worker_loop::{leave, work};
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::{Arc, Condvar, JoinHandle, Mutex, lock};
use crate::{Spec, TaskError, Worker};

/// A wait without a limit.
const FOR_EVER: End<'static> =
    End { early: false, timeout: None, is_stuck: &|_| false, report: &|_| () };

/// What a kept thread is asked to do with its worker.
type Task<S, W> = Box<dyn FnOnce(&mut Life<S, W>) + Send>;

/// Threads that hold a worker each, and what they were last asked for.
pub struct Kept<S, W: Worker> {
    specs: Vec<S>,
    settings: Threads,
    /// Where the summaries go of workers that are finished.
    summaries: Option<Arc<Summaries>>,
    /// Empty until they are started.
    threads: Vec<Sender<Task<S, W>>>,
    crew: Option<Crew<JoinHandle<()>>>,
    /// Those of the run that the threads work at.
    spawned_panics: SpawnedPanics,
    last: Option<Last>,
}

impl<S, W: Worker> fmt::Debug for Kept<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("workers", &self.specs.len()).finish_non_exhaustive()
    }
}

/// A run of kept threads, which may have been left early or forgotten.
struct Last {
    shift: Shift,
    run: Box<dyn AnyTrace + Send>,
}

impl<S, W: Worker> Kept<S, W> {
    /// Waits for what is left of the last run, which is cancelled if it was forgotten.
    fn wait_for_last(&mut self) {
        if let Some(last) = self.last.take() {
            // It may have been forgotten.
            last.run.cancel();
            last.shift.wait(&FOR_EVER);
        }
    }

    /// Ends the threads, and waits for them. What the last run has left behind is waited for as a run does that is
    /// left early, or if `whole` as for the end of all.
    fn end(&mut self, limits: Limits, whole: bool) {
        self.threads.clear();
        let last = self.last.take();
        if let Some(Last { run, shift }) = &last {
            run.cancel();
            let is_stuck = &|count| !whole && count == 1 && run.is_in_source();
            shift.wait(&End { timeout: limits.at(!whole).0, is_stuck, ..FOR_EVER });
        }
        let Some(crew) = self.crew.take() else { return };
        let (timeout, option) = limits.at(false);
        // Those are not waited for once more.
        let is_stuck = &|count| last.as_ref().is_some_and(|last| count <= last.shift.left());
        let left = crew.join(&End { timeout, is_stuck, ..FOR_EVER });
        if let (Some(summaries), Some(limit)) = (&self.summaries, timeout) {
            for worker in left {
                summaries.give_up(worker, TaskError::unfinished(worker, limit, option));
            }
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
        let panics = self.spawned_panics.clone();
        let workers = self.specs.len();
        let mut threads = Vec::with_capacity(workers);
        let mut loops: Vec<Loop<'static>> = Vec::with_capacity(self.specs.len());
        for (number, spec) in self.specs.iter().enumerate() {
            let (sender, tasks): (_, Receiver<Task<S, W>>) = channel();
            let (spec, counters) = (spec.clone(), Arc::clone(&counters));
            let care = Care { summaries: self.summaries.clone(), ..Care::default() };
            let trace = Scope::outside();
            threads.push(sender);
            loops.push(Box::new(move || {
                trace.enter(|| {
                    let control = Arc::new(Control::new());
                    let builds = Arc::new(Builds::new(workers, None));
                    let record = Record::new(number, counters, control, builds);
                    let mut life = Life::new(spec, record, care);
                    while let Ok(task) = tasks.recv() {
                        task(&mut life);
                    }
                    drop_caught(life);
                });
            }));
        }
        let (crew, outcome) = self.settings.crew(loops, panics);
        if let Err(error) = outcome {
            drop(threads);
            crew.join(&FOR_EVER);
            return Err(error);
        }
        (self.threads, self.crew) = (threads, Some(crew));
        Ok(())
    }

    /// Has every thread do a task, and gives what can be waited for.
    ///
    /// A task may hold what it is given, beside the life, until it has come to its end.
    fn shift(&mut self, tasks: impl Iterator<Item = Task<S, W>>) -> Shift {
        let crew = self.crew.as_ref().map(|crew| crew.membership().clone());
        let shift = Shift::new(crew, self.spawned_panics.clone());
        for (number, (thread, task)) in self.threads.iter().zip(tasks).enumerate() {
            lock(&shift.0.there).push(number);
            let there = There(Arc::clone(&shift.0), number);
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
    fn build(&mut self) -> Result<(), TaskError> {
        self.wait_for_last();
        self.started().map_err(|(worker, error)| TaskError::start_failed(worker, error))?;
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let builds = Arc::new(Builds::new(self.specs.len(), None));
        let counters = Arc::new(Counters::new(self.specs.len()));
        let trace = Scope::here();
        self.spawned_panics.begin(&counters, &trace);
        let tasks = (0..self.specs.len()).map(|_| -> Task<S, W> {
            let (outcomes, counters) = (Arc::clone(&outcomes), Arc::clone(&counters));
            let (builds, trace) = (Arc::clone(&builds), trace.clone());
            Box::new(move |life| {
                life.begin(Care::default(), counters, Arc::new(Control::new()), builds);
                if let Err(error) = trace.worker(life.number()).enter(|| life.build_at_start()) {
                    lock(&outcomes).push(error);
                }
            })
        });
        self.shift(tasks).wait(&FOR_EVER);
        self.spawned_panics.end();
        let first = lock(&outcomes).drain(..).min_by_key(TaskError::worker);
        first.map_or(Ok(()), Err)
    }

    /// Has every thread work at a bridge.
    fn work<P>(
        &mut self,
        team: &Team<Seat, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Shift, Started)
    where
        P: Pull<W::Input> + Send + 'static,
        W::Input: Send + 'static,
        W::Output: Send + 'static,
    {
        if let Err(error) = self.started() {
            return (Shift::new(None, self.spawned_panics.clone()), Err(error));
        }
        self.spawned_panics.begin(&team.counters, &team.trace);
        let build_now = team.build_now;
        let builds = Arc::new(Builds::new(self.specs.len(), team.care.build_retry));
        let tasks = (0..self.specs.len()).map(|_| -> Task<S, W> {
            let (bridge, control) = (Arc::clone(bridge), Arc::clone(&team.control));
            let (builds, counters) = (Arc::clone(&builds), Arc::clone(&team.counters));
            let (care, pull) = (team.care.clone(), pull());
            let (trace, alive) = (team.trace.clone(), Arc::clone(&team.alive));
            Box::new(move |life| {
                let _alive = alive;
                trace.worker(life.number()).enter(|| {
                    life.begin(care, counters, control, builds);
                    let pull = work(&bridge, life, pull, build_now);
                    leave(&bridge, pull);
                });
            })
        });
        (self.shift(tasks), Ok(()))
    }
}

/// The threads of a run that are kept after it.
#[derive(Clone)]
pub struct Shift(Arc<Left>);

impl fmt::Debug for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shift").field("left", &self.left()).finish_non_exhaustive()
    }
}

/// Which threads have not come to the end of their task.
struct Left {
    there: Mutex<Vec<usize>>,
    changed: Condvar,
    /// Whose threads they are.
    crew: Option<Membership>,
    spawned_panics: SpawnedPanics,
}

/// A thread at its task.
struct There(Arc<Left>, usize);

impl Drop for There {
    fn drop(&mut self) {
        lock(&self.0.there).retain(|number| *number != self.1);
        self.0.changed.notify_all();
    }
}

impl Shift {
    fn new(crew: Option<Membership>, spawned_panics: SpawnedPanics) -> Self {
        let (there, changed) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Left { there, changed, crew, spawned_panics }))
    }

    /// How many are not through.
    fn left(&self) -> usize {
        lock(&self.0.there).len()
    }

    /// Waits until all are through, or for as long as the end may take.
    fn wait(&self, end: &End<'_>) {
        if self.0.crew.as_ref().is_some_and(Membership::includes_this_thread) {
            // A worker of these drops its own run.
            return;
        }
        end.wait(Instant::now(), (&self.0.there, &self.0.changed), Vec::clone);
    }
}

impl Hands for Shift {
    fn join(self, end: &End<'_>) -> Vec<usize> {
        self.wait(end);
        self.0.spawned_panics.end();
        // They leave something at the end of the pool.
        Vec::new()
    }
}

impl<S, W> Reusable<S, W> for Threads
where
    S: Spec<W> + 'static,
    W: Worker + 'static,
{
    type Kept = Kept<S, W>;
    type Hands = Shift;

    fn keep(self, specs: Vec<S>, summaries: Option<Arc<Summaries>>) -> Kept<S, W> {
        let spawned_panics = SpawnedPanics::new();
        let (threads, crew, last) = (Vec::new(), None, None);
        Kept { specs, settings: self, summaries, threads, crew, spawned_panics, last }
    }

    fn build(kept: &mut Kept<S, W>) -> Result<(), TaskError> {
        kept.build()
    }

    fn end(kept: &mut Kept<S, W>, limits: Limits, whole: bool) {
        kept.end(limits, whole);
    }
}

impl<S, W, P> Workers<Seat, W, P> for Pooled<'_, S, W, Threads>
where
    S: Spec<W> + 'static,
    W: Worker + 'static,
    W::Input: Send + 'static,
    W::Output: Send + 'static,
    P: Pull<W::Input> + Send + 'static,
{
    fn begin(
        self,
        team: Team<Seat, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Shift, Started) {
        #[cfg(debug_assertions)]
        crate::bridge::live::register(bridge);
        self.0.work(&team, bridge, pull)
    }
}

impl<I, S, W> Start<I, Seat, W> for Pooled<'_, S, W, Threads>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: Send + 'static,
{
    fn start(self, job: Job<I, Seat, W>, eager: bool) -> Self::Run<I, Seat, W> {
        let Self(kept) = self;
        kept.wait_for_last();
        let run = pulled(Pooled::<S, W, Threads>(&mut *kept), job, eager);
        kept.last = run.hands().map(|shift| Last { shift: shift.clone(), run: run.trace() });
        run
    }
}
