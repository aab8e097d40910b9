//! The backend, as the front knows it: for each kind of spec how its items cross, on every system.

use serde::{Serialize, de::DeserializeOwned};

use super::crossing::{OfFallible, OfStage, Plain};
use super::remote::RemoteSpec;
use super::{Kept, Lanes, Processes};
use crate::backend::{Backend, Reusable, Seat, Started, Team, Workers};
use crate::backend::{Blocking, Bridge, Concurrent, Finishing, Pooled, Pull, PulledRun, Start};
use crate::backend::{Replaceable, pulled, sealed};
use crate::error::BoxError;
use crate::run::exit::Limits;
use crate::run::job::Job;
use crate::run::policy::Summaries;
use crate::spec::{OkSpec, OkWorker, TrySpec, TryWorker};
use crate::sync::Arc;
use crate::{TaskError, Worker};

impl sealed::Sealed for Processes {}
impl Blocking for Processes {}
impl Finishing for Processes {}
impl Replaceable for Processes {}

impl Concurrent for Processes {
    type Hands = Lanes;
}

impl Backend for Processes {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = PulledRun<I, W::Output, Lanes>;

    type With<C: Concurrent> = C;

    const KIND: &'static str = "processes";

    fn with<C: Concurrent>(backend: C) -> C {
        backend
    }
}

impl<S, W, P> Workers<S, W, P> for Processes
where
    S: RemoteSpec<W> + 'static,
    W: Worker,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
    P: Pull<W::Input> + Send + 'static,
{
    fn lanes(&self, workers: usize) -> usize {
        self.lanes(workers)
    }

    fn begin(
        self,
        team: Team<S, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Lanes, Started) {
        self.begin::<S, W, Plain, S, W, P>(team, bridge, pull, |spec| spec)
    }
}

/// Errors of an earlier stage do not cross, so that they need not be serde.
impl<S, W, E, P> Workers<OkSpec<S, E>, OkWorker<W, E>, P> for Processes
where
    E: Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
    P: Pull<Result<W::Input, E>> + Send + 'static,
{
    fn lanes(&self, workers: usize) -> usize {
        self.lanes(workers)
    }

    fn begin(
        self,
        team: Team<OkSpec<S, E>, OkWorker<W, E>>,
        bridge: &Arc<Bridge<Result<W::Input, E>, Result<W::Output, E>>>,
        pull: &dyn Fn() -> P,
    ) -> (Lanes, Started) {
        self.begin::<_, _, OfStage, S, W, P>(team, bridge, pull, |spec| &spec.spec)
    }
}

impl<S, W, T, E, P> Workers<TrySpec<S>, TryWorker<W>, P> for Processes
where
    S: RemoteSpec<W> + 'static,
    W: Worker<Output = Result<T, E>>,
    W::Input: Serialize + Send + 'static,
    T: DeserializeOwned + Send + 'static,
    E: DeserializeOwned + Into<BoxError> + 'static,
    P: Pull<Result<W::Input, TaskError>> + Send + 'static,
{
    fn lanes(&self, workers: usize) -> usize {
        self.lanes(workers)
    }

    fn begin(
        self,
        team: Team<TrySpec<S>, TryWorker<W>>,
        bridge: &Arc<Bridge<Result<W::Input, TaskError>, Result<T, TaskError>>>,
        pull: &dyn Fn() -> P,
    ) -> (Lanes, Started) {
        self.begin::<_, _, OfFallible<E>, S, W, P>(team, bridge, pull, |spec| &spec.0)
    }
}

impl<I, S, W> Start<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn start(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        pulled(self, job, eager)
    }
}

#[diagnostic::do_not_recommend]
impl<I, S, W, E> Start<I, OkSpec<S, E>, OkWorker<W, E>> for Processes
where
    I: Iterator<Item = Result<W::Input, E>> + Send + 'static,
    E: Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn start(
        self,
        job: Job<I, OkSpec<S, E>, OkWorker<W, E>>,
        eager: bool,
    ) -> Self::Run<I, OkSpec<S, E>, OkWorker<W, E>> {
        pulled(self, job, eager)
    }
}

#[diagnostic::do_not_recommend]
impl<I, S, W, T, E> Start<I, TrySpec<S>, TryWorker<W>> for Processes
where
    I: Iterator<Item = Result<W::Input, TaskError>> + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Output = Result<T, E>>,
    W::Input: Serialize + Send + 'static,
    T: DeserializeOwned + Send + 'static,
    E: DeserializeOwned + Into<BoxError> + 'static,
{
    fn start(
        self,
        job: Job<I, TrySpec<S>, TryWorker<W>>,
        eager: bool,
    ) -> Self::Run<I, TrySpec<S>, TryWorker<W>> {
        pulled(self, job, eager)
    }
}

impl<S, W> Reusable<S, W> for Processes
where
    S: RemoteSpec<W> + 'static,
    W: Worker + 'static,
{
    type Kept = Kept<S>;
    type Hands = Lanes;

    fn keep(self, specs: Vec<S>, summaries: Option<Arc<Summaries>>) -> Kept<S> {
        Kept::new(specs, self.settings, summaries)
    }

    fn build(kept: &mut Kept<S>) -> Result<(), TaskError> {
        kept.build()
    }

    fn end(kept: &mut Kept<S>, limits: Limits, whole: bool) {
        kept.end(limits, whole);
    }
}

impl<S, W, P> Workers<Seat, W, P> for Pooled<'_, S, W, Processes>
where
    S: RemoteSpec<W> + 'static,
    W: Worker + 'static,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
    P: Pull<W::Input> + Send + 'static,
{
    fn lanes(&self, _workers: usize) -> usize {
        self.0.lanes()
    }

    fn begin(
        self,
        team: Team<Seat, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Lanes, Started) {
        self.0.begin(team, bridge, pull)
    }
}

impl<I, S, W> Start<I, Seat, W> for Pooled<'_, S, W, Processes>
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn start(self, job: Job<I, Seat, W>, eager: bool) -> Self::Run<I, Seat, W> {
        let Self(kept) = self;
        kept.ready();
        let run = pulled(Pooled::<S, W, Processes>(&mut *kept), job, eager);
        kept.note(run.trace());
        run
    }
}
