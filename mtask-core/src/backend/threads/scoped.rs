//! Threads that may borrow, of a scope.

use std::fmt;

use crate::backend::{Backend, Blocking, Bridge, Concurrent, Finishing, Pull, PulledRun, Start};
use crate::backend::{Replaceable, Started, Team, Workers, pulled, sealed};
use crate::run::job::Job;
use crate::run::pulled::Cancel;
use crate::run::team::enter::Loop;
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

    fn crew(
        &self,
        loops: Vec<Loop<'scope>>,
        panics: SpawnedPanics,
    ) -> (Crew<ScopedJoinHandle<'scope, ()>>, Started) {
        Crew::start(ThreadSettings::default(), loops, panics, &|builder, body| {
            builder.spawn_scoped(self.threads, body)
        })
    }
}

impl fmt::Debug for Scoped<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}

impl sealed::Sealed for Scoped<'_, '_> {}
impl Blocking for Scoped<'_, '_> {}
impl Finishing for Scoped<'_, '_> {}
impl Replaceable for Scoped<'_, '_> {}

impl<'scope> Concurrent for Scoped<'scope, '_> {
    type Hands = Crew<ScopedJoinHandle<'scope, ()>>;
}

impl<'scope> Backend for Scoped<'scope, '_> {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> =
        PulledRun<I, W::Output, Crew<ScopedJoinHandle<'scope, ()>>>;

    type With<C: Concurrent> = C;

    const KIND: &'static str = "threads";

    fn with<C: Concurrent>(backend: C) -> C {
        backend
    }
}

impl<'scope, S, W, P> Workers<S, W, P> for Scoped<'scope, '_>
where
    S: Spec<W> + 'scope,
    W: Worker,
    W::Input: Send + 'scope,
    W::Output: Send + 'scope,
    P: Pull<W::Input> + Send + 'scope,
{
    fn begin(
        self,
        team: Team<S, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Self::Hands, Started) {
        let panics = SpawnedPanics::of(&team.counters, &team.trace);
        let loops = worker_loop::loops(team, bridge, pull);
        self.crew(loops, panics)
    }
}

impl<'scope, I, S, W> Start<I, S, W> for Scoped<'scope, '_>
where
    I: Iterator + Send + 'scope,
    I::Item: Send + 'scope,
    S: Spec<W> + 'scope,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'scope,
{
    fn start(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        let runs = Arc::clone(&self.runs);
        let run = pulled(self, job, eager);
        runs.add(run.ends());
        run
    }
}
