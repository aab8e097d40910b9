//! Threads that may borrow, of a scope.

use std::fmt;

use crate::backend::{Backend, Concurrent, Finishing, Launch, by_pulled_run, sealed};
#[cfg(feature = "stream")]
use crate::backend::{LaunchPolled, poll_by_pulled_run};
use crate::run::consumer::{Cancel, PulledRun};
use crate::run::job::Job;
use crate::run::source::Remote;
use crate::run::team::{Crew, SpawnedPanics, ThreadSettings};
use crate::run::worker_loop;
use crate::sync::{self, Arc, Mutex, ScopedJoinHandle, Weak, lock};
use crate::{Spec, Worker};

/// The runs that a scope has to end when it is left.
pub(crate) struct Runs<'scope> {
    /// `None` once the scope has been left.
    list: Mutex<Option<Vec<Weak<dyn Cancel + Send + Sync + 'scope>>>>,
}

impl<'scope> Runs<'scope> {
    pub(crate) fn new() -> Self {
        Self { list: Mutex::new(Some(Vec::new())) }
    }

    /// Adds what ends a run; at once, where the scope has been left.
    fn add(&self, ends: Vec<Weak<dyn Cancel + Send + Sync + 'scope>>) {
        match &mut *lock(&self.list) {
            Some(list) => {
                if list.len() + ends.len() > list.capacity() {
                    list.retain(|run| run.strong_count() > 0);
                }
                list.extend(ends);
            }
            // The source of another run, which was forgotten and only now pulls for the first
            // time.
            None => ends.into_iter().for_each(cancel),
        }
    }

    /// Ends them all, as the scope is left.
    pub(crate) fn end(&self) {
        let list = lock(&self.list).take();
        list.into_iter().flatten().for_each(cancel);
    }
}

fn cancel(run: Weak<dyn Cancel + Send + Sync + '_>) {
    if let Some(run) = run.upgrade() {
        run.cancel();
    }
}

/// Workers in threads that may borrow; the backend of [`Scope::par_stateful`](crate::Scope::par_stateful).
pub struct Scoped<'scope, 'env: 'scope> {
    threads: &'scope sync::Scope<'scope, 'env>,
    runs: Arc<Runs<'scope>>,
}

impl<'scope, 'env: 'scope> Scoped<'scope, 'env> {
    pub(crate) fn new(threads: &'scope sync::Scope<'scope, 'env>, runs: Arc<Runs<'scope>>) -> Self {
        Self { threads, runs }
    }
}

impl fmt::Debug for Scoped<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}

impl sealed::Sealed for Scoped<'_, '_> {}
impl Concurrent for Scoped<'_, '_> {}
impl Finishing for Scoped<'_, '_> {}

impl<'scope> Backend for Scoped<'scope, '_> {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> =
        PulledRun<I, W::Output, Crew<ScopedJoinHandle<'scope, ()>>>;

    const KIND: &'static str = "scope";
}

impl<'scope, I, S, W> Launch<I, S, W> for Scoped<'scope, '_>
where
    I: Iterator + Send + 'scope,
    I::Item: Send + 'scope,
    S: Spec<W> + 'scope,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'scope,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        let run = PulledRun::start(job, eager, 1, |team, bridge, source| {
            let panics = SpawnedPanics::of(&team.counters, &team.trace);
            let loops = worker_loop::loops(team, bridge, || Remote(Arc::clone(source)));
            Crew::start(ThreadSettings::default(), loops, panics, |builder, body| {
                builder.spawn_scoped(self.threads, body)
            })
        });
        self.runs.add(run.ends());
        run
    }

    by_pulled_run!(I, S, W);
}

#[cfg(feature = "stream")]
impl<'scope, I, S, W> LaunchPolled<I, S, W> for Scoped<'scope, '_>
where
    I: Iterator + Send + 'scope,
    I::Item: Send + 'scope,
    S: Spec<W> + 'scope,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'scope,
{
    poll_by_pulled_run!(I, S, W);
}
