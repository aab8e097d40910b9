//! Workers behind a stage that may fail.

use std::fmt;
use std::marker::PhantomData;

use crate::messages::IntoCause;
use crate::{BuildError, Context, Finish, Spec, TaskError, Worker};

/// The spec of a worker that takes what an earlier stage made, and lets its errors pass; of
/// [`par_stateful_ok`](crate::par_stateful_ok).
pub struct OkSpec<S, E> {
    pub(crate) spec: S,
    error: PhantomData<fn() -> E>,
}

impl<S, E> OkSpec<S, E> {
    pub(crate) fn new(spec: S) -> Self {
        Self { spec, error: PhantomData }
    }
}

impl<S: Clone, E> Clone for OkSpec<S, E> {
    fn clone(&self) -> Self {
        Self::new(self.spec.clone())
    }
}

impl<S: fmt::Debug, E> fmt::Debug for OkSpec<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OkSpec").field(&self.spec).finish()
    }
}

/// The worker of an [`OkSpec`].
pub struct OkWorker<W, E> {
    worker: W,
    error: PhantomData<fn() -> E>,
}

impl<W, E> fmt::Debug for OkWorker<W, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OkWorker").finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Spec<W>, W, E> Spec<OkWorker<W, E>> for OkSpec<S, E> {
    fn build(&self) -> Result<OkWorker<W, E>, BuildError> {
        Ok(OkWorker { worker: self.spec.build()?, error: PhantomData })
    }
}

#[diagnostic::do_not_recommend]
impl<W: Worker, E> Worker for OkWorker<W, E> {
    type Input = Result<W::Input, E>;
    type Output = Result<W::Output, E>;

    fn call(&mut self, input: Self::Input) -> Self::Output {
        input.map(|input| self.worker.call(input))
    }

    fn call_with(&mut self, input: Self::Input, context: &Context<'_>) -> Self::Output {
        input.map(|input| self.worker.call_with(input, context))
    }

    /// An error needs no worker.
    fn pass(input: Self::Input) -> Result<Self::Output, Self::Input> {
        match input {
            Ok(input) => Err(Ok(input)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn passes_errors() -> bool {
        true
    }
}

#[diagnostic::do_not_recommend]
impl<W: Finish, E> Finish for OkWorker<W, E> {
    type Summary = W::Summary;

    fn finish(self) -> W::Summary {
        self.worker.finish()
    }
}

/// The spec of a worker that takes what an earlier stage made, lets its errors pass, and may fail itself;
/// of [`par_stateful_try`](crate::par_stateful_try).
#[derive(Clone, Debug)]
pub struct TrySpec<S>(pub(crate) S);

/// The worker of a [`TrySpec`].
pub struct TryWorker<W>(W);

impl<W> fmt::Debug for TryWorker<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryWorker").finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Spec<W>, W> Spec<TryWorker<W>> for TrySpec<S> {
    fn build(&self) -> Result<TryWorker<W>, BuildError> {
        Ok(TryWorker(self.0.build()?))
    }
}

#[diagnostic::do_not_recommend]
impl<W, T, E> Worker for TryWorker<W>
where
    W: Worker<Output = Result<T, E>>,
    E: IntoCause,
{
    type Input = Result<W::Input, TaskError>;
    type Output = Result<T, TaskError>;

    fn call(&mut self, input: Self::Input) -> Self::Output {
        self.call_with(input, &Context::detached())
    }

    fn call_with(&mut self, input: Self::Input, context: &Context<'_>) -> Self::Output {
        let (index, worker) = (Some(context.index()), Some(context.worker()));
        self.0
            .call_with(input?, context)
            .map_err(|error| TaskError::failed(index, worker, context.attempt(), error.into()))
    }

    /// An error needs no worker.
    fn pass(input: Self::Input) -> Result<Self::Output, Self::Input> {
        match input {
            Ok(input) => Err(Ok(input)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn passes_errors() -> bool {
        true
    }
}

#[diagnostic::do_not_recommend]
impl<W, T, E> Finish for TryWorker<W>
where
    W: Finish<Output = Result<T, E>>,
    E: IntoCause,
{
    type Summary = W::Summary;

    fn finish(self) -> W::Summary {
        self.0.finish()
    }
}
