//! The backend, as the front knows it: for each kind of spec how its items cross, on every system.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::crossing::{OfFallible, OfStage, Plain};
use super::remote::RemoteSpec;
use super::{Kept, Processes, Run};
use crate::backend::{Job, Launch, Reusable, by_pulled_run};
#[cfg(feature = "stream")]
use crate::backend::{LaunchPolled, poll_by_pulled_run};
use crate::backend::{Pooled, Seat};
use crate::error::BoxError;
use crate::run::policy::Summaries;
use crate::sync::Arc;
use crate::{OkSpec, OkWorker, TaskError, TrySpec, TryWorker, Worker};

impl<I, S, W> Launch<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        self.start::<I, S, W, Plain, S, W>(job, eager, |spec| spec)
    }

    by_pulled_run!(I, S, W);
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    poll_by_pulled_run!(I, S, W);
}

/// Errors of an earlier stage do not cross, so that they need not be serde.
#[diagnostic::do_not_recommend]
impl<I, S, W, E> Launch<I, OkSpec<S, E>, OkWorker<W, E>> for Processes
where
    I: Iterator<Item = Result<W::Input, E>> + Send + 'static,
    E: Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(
        self,
        job: Job<I, OkSpec<S, E>, OkWorker<W, E>>,
        eager: bool,
    ) -> Self::Run<I, OkSpec<S, E>, OkWorker<W, E>> {
        self.start::<_, _, _, OfStage, S, W>(job, eager, |spec| &spec.spec)
    }

    by_pulled_run!(I, OkSpec<S, E>, OkWorker<W, E>);
}

#[diagnostic::do_not_recommend]
impl<I, S, W, T, E> Launch<I, TrySpec<S>, TryWorker<W>> for Processes
where
    I: Iterator<Item = Result<W::Input, TaskError>> + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Output = Result<T, E>>,
    W::Input: Serialize + Send + 'static,
    T: DeserializeOwned + Send + 'static,
    E: DeserializeOwned + Into<BoxError> + 'static,
{
    fn launch(
        self,
        job: Job<I, TrySpec<S>, TryWorker<W>>,
        eager: bool,
    ) -> Self::Run<I, TrySpec<S>, TryWorker<W>> {
        self.start::<_, _, _, OfFallible<E>, S, W>(job, eager, |spec| &spec.0)
    }

    by_pulled_run!(I, TrySpec<S>, TryWorker<W>);
}

impl<S, W> Reusable<S, W> for Processes
where
    S: RemoteSpec<W> + 'static,
    W: Worker + 'static,
{
    type Kept = Kept<S>;
    type Map<I: Iterator, O> = Run<I, O>;

    fn keep(self, specs: Vec<S>, summaries: Option<Arc<Summaries>>) -> Kept<S> {
        Kept::new(specs, self.settings, summaries)
    }

    fn build(kept: &mut Kept<S>) -> Result<(), TaskError> {
        kept.build()
    }

    fn end(kept: &mut Kept<S>, timeout: Option<Duration>, whole: bool) {
        kept.end(timeout, whole);
    }
}

impl<I, S, W> Launch<I, Seat, W> for Pooled<'_, S, W, Processes>
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(self, job: Job<I, Seat, W>, eager: bool) -> Self::Run<I, Seat, W> {
        self.0.start(job, eager)
    }

    by_pulled_run!(I, Seat, W);
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, Seat, W> for Pooled<'_, S, W, Processes>
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    poll_by_pulled_run!(I, Seat, W);
}
