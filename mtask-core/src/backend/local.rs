//! A run whose consumer pulls the source.

use super::threads::Threads;
use super::{Backend, Blocking, Concurrent, FedRun, Finishing, Nothing, Replaceable, Start};
use super::{Workers, sealed};
use crate::Worker;
use crate::run::job::Job;

/// Workers on another backend, over a source that stays with the consumer: it may be `!Send`, or borrow.
///
/// The backend of [`par_stateful_local`](crate::par_stateful_local). The source is pulled inside
/// `next()`, on the consumer's thread, and holds it while it blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local<B = Threads>(pub(crate) B);

impl<B: Backend> sealed::Sealed for Local<B> {}
impl<B: Concurrent> Blocking for Local<B> {}
impl<B: Concurrent + Finishing> Finishing for Local<B> {}

impl<B: Concurrent> Backend for Local<B> {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = FedRun<I, W::Output, B::Hands>;

    type With<C: Concurrent> = Local<C>;

    const KIND: &'static str = B::KIND;

    fn with<C: Concurrent>(backend: C) -> Local<C> {
        Local(backend)
    }
}

impl<B: Concurrent> Concurrent for Local<B> {
    type Hands = B::Hands;
}

impl<B: Concurrent> Replaceable for Local<B> {}

impl<I, S, W, B> Start<I, S, W> for Local<B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Workers<S, W, Nothing>,
{
    fn start(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        let Self(backend) = self;
        let lanes = backend.lanes(job.team.specs.len());
        FedRun::start(job, eager, lanes, |team, bridge, pull| backend.begin(team, bridge, pull))
    }
}
