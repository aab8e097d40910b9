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
use crate::spec::{OkSpec, OkWorker, Summing, TrySpec, TryWorker};
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
        self.begin::<S, W, Plain, S, W, P>(team, bridge, pull, Clone::clone)
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

/// A stage behind another one: how its items go to a child, and the spec that has its worker there. Errors of the earlier
/// stage do not cross, so that they need not be serde.
macro_rules! stage {
    (
        [$($parameter:ident),*], $spec:ty, $worker:ty, inside: $inside:ty, by: $crossing:ty,
        |$outer:ident| $inner:expr, where { $($bounds:tt)* }
    ) => {
        impl<$($parameter,)* P> Workers<$spec, $worker, P> for Processes
        where
            $($bounds)*
            $inside: RemoteSpec<W> + 'static,
            W::Input: Serialize + Send + 'static,
            P: Pull<<$worker as Worker>::Input> + Send + 'static,
        {
            fn lanes(&self, workers: usize) -> usize {
                self.lanes(workers)
            }

            fn begin(
                self,
                team: Team<$spec, $worker>,
                bridge: &Arc<Bridge<<$worker as Worker>::Input, <$worker as Worker>::Output>>,
                pull: &dyn Fn() -> P,
            ) -> (Lanes, Started) {
                let inside = |$outer: &$spec| $inner;
                self.begin::<_, _, $crossing, $inside, W, P>(team, bridge, pull, inside)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<I, $($parameter),*> Start<I, $spec, $worker> for Processes
        where
            I: Iterator<Item = <$worker as Worker>::Input> + Send + 'static,
            $($bounds)*
            $inside: RemoteSpec<W> + 'static,
            W::Input: Serialize + Send + 'static,
        {
            fn start(
                self,
                job: Job<I, $spec, $worker>,
                eager: bool,
            ) -> Self::Run<I, $spec, $worker> {
                pulled(self, job, eager)
            }
        }
    };
}

stage! {
    [S, W, E], OkSpec<S, E>, OkWorker<W, E>, inside: S, by: OfStage,
    |stage| stage.spec.clone(),
    where { E: Send + 'static, W: Worker, W::Output: DeserializeOwned + Send + 'static, }
}
stage! {
    [S, W, E], Summing<OkSpec<S, E>>, OkWorker<W, E>, inside: Summing<S>, by: OfStage,
    |stage| Summing(stage.0.spec.clone()),
    where {
        E: Send + 'static,
        S: Clone + 'static,
        W: Worker,
        W::Output: DeserializeOwned + Send + 'static,
    }
}
stage! {
    [S, W, T, E], TrySpec<S>, TryWorker<W>, inside: S, by: OfFallible<E>,
    |stage| stage.0.clone(),
    where {
        W: Worker<Output = Result<T, E>>,
        T: DeserializeOwned + Send + 'static,
        E: DeserializeOwned + Into<BoxError> + 'static,
    }
}
stage! {
    [S, W, T, E], Summing<TrySpec<S>>, TryWorker<W>, inside: Summing<S>, by: OfFallible<E>,
    |stage| Summing(stage.0.0.clone()),
    where {
        S: Clone + 'static,
        W: Worker<Output = Result<T, E>>,
        T: DeserializeOwned + Send + 'static,
        E: DeserializeOwned + Into<BoxError> + 'static,
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
