//! Runs over borrowed items.

use std::fmt;
use std::marker::PhantomData;

use super::Threads;
use super::crew::{Crew, Handles};
use super::engine;
use super::pulled::PulledRun;
use super::spawned::SpawnedPanics;
use crate::backend::{Backend, Concurrent, Finishing, Job, Launch, by_pulled_run, sealed};
#[cfg(feature = "stream")]
use crate::backend::{LaunchPolled, poll_by_pulled_run};
use crate::bridge::Bridge;
use crate::par::{ParMap, ParStateful, asks_for_workers, specs_of};
use crate::source::{Remote, Source};
use crate::sync::{self, Arc, Mutex, ScopedJoinHandle, Weak, lock};
use crate::{Spec, Worker, worker_fn};

/// Runs `f` with a scope in which sources, items, specs and outputs may borrow from around it.
///
/// Leaving the scope ends every run made in it, an iterator that was forgotten included, and
/// waits for all their threads: also for one that is inside a source.
///
/// # Panics
///
/// Where `f` panics, once every thread has ended.
///
/// # Examples
///
/// ```
/// use mtask::{Spec, scope, worker_fn};
///
/// let lines = vec!["one".to_owned(), "three".to_owned()];
/// let lengths = scope(|s| {
///     let specs = worker_fn(|line: &String| line.len()).times(2);
///     s.par_stateful(&lines, specs).collect::<Result<Vec<_>, _>>()
/// })?;
/// assert_eq!(lengths, [3, 5]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&Scope<'scope, 'env>) -> T,
{
    sync::scope(|threads| {
        let runs = Arc::new(Runs { list: Mutex::new(Some(Vec::new())) });
        f(&Scope { threads, runs, env: PhantomData })
    })
}

/// A scope for runs over borrowed items; made by [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    threads: &'scope sync::Scope<'scope, 'env>,
    runs: Arc<Runs<'scope>>,
    env: PhantomData<&'env mut &'env ()>,
}

/// The runs that a scope has to end when it is left.
struct Runs<'scope> {
    /// `None` once the scope has been left.
    list: Mutex<Option<Vec<Weak<dyn Cancel + Send + Sync + 'scope>>>>,
}

/// A run that can be ended from outside, whatever its items.
pub(super) trait Cancel {
    fn cancel(&self);
}

fn cancel(run: Weak<dyn Cancel + Send + Sync + '_>) {
    if let Some(run) = run.upgrade() {
        run.cancel();
    }
}

impl<T, O> Cancel for Bridge<T, O> {
    fn cancel(&self) {
        Bridge::cancel(self);
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

impl<'scope, 'env> Scope<'scope, 'env> {
    /// As [`par_stateful`](crate::par_stateful), for a source, specs and outputs that borrow.
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    pub fn par_stateful<I, S, W>(
        &self,
        iter: I,
        specs: impl IntoIterator<Item = S>,
    ) -> ParStateful<I::IntoIter, S, W, Scoped<'scope, 'env>>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'scope,
        I::Item: Send + 'scope,
        S: Spec<W> + 'scope,
        W: Worker<Input = I::Item>,
        W::Output: Send + 'scope,
    {
        let backend = Scoped { threads: self.threads, runs: Arc::clone(&self.runs) };
        ParStateful::new(iter.into_iter(), specs_of(specs), backend)
    }

    /// As [`par_map`](crate::par_map), for a source, a function and outputs that borrow.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let factor = 3;
    /// let scaled: Vec<i32> = mtask::scope(|s| {
    ///     s.par_map(1..4, 2, |x: i32| x * &factor).propagate_panics().collect()
    /// });
    /// assert_eq!(scaled, [3, 6, 9]);
    /// ```
    #[track_caller]
    pub fn par_map<I, F, O>(
        &self,
        iter: I,
        n: usize,
        f: F,
    ) -> ParMap<I::IntoIter, F, O, Scoped<'scope, 'env>>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'scope,
        I::Item: Send + 'scope,
        F: FnMut(I::Item) -> O + Clone + Send + 'scope,
        O: Send + 'scope,
    {
        asks_for_workers(n);
        self.par_stateful(iter, worker_fn(f).times(n))
    }
}

impl Drop for Scope<'_, '_> {
    fn drop(&mut self) {
        let list = lock(&self.runs.list).take();
        list.into_iter().flatten().for_each(cancel);
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Workers in threads that may borrow; the backend of [`Scope::par_stateful`].
pub struct Scoped<'scope, 'env: 'scope> {
    threads: &'scope sync::Scope<'scope, 'env>,
    runs: Arc<Runs<'scope>>,
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
            let loops = engine::loops(team, bridge, || Remote(Arc::clone(source)));
            Crew::start(Threads::new(), loops, panics, |builder, body| {
                builder.spawn_scoped(self.threads, body)
            })
        });
        let ends = run.ends();
        match &mut *lock(&self.runs.list) {
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
