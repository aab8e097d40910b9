//! Runs over borrowed items.

use std::fmt;
use std::marker::PhantomData;

use super::{ParMap, ParStateful, asks_for_workers, specs_of};
use crate::backend::threads::{Runs, Scoped};
use crate::sync::{self, Arc};
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
        let runs = Arc::new(Runs::new());
        f(&Scope { threads, runs, env: PhantomData })
    })
}

/// A scope for runs over borrowed items; made by [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    threads: &'scope sync::Scope<'scope, 'env>,
    runs: Arc<Runs<'scope>>,
    env: PhantomData<&'env mut &'env ()>,
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
        let backend = Scoped::new(self.threads, Arc::clone(&self.runs));
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
        self.runs.end();
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
