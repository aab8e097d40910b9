//! A run over an iterator whose results are awaited.

use super::{Backend, Concurrent, Finishing, Polled, Replaceable, Start, sealed};
use crate::Worker;
use crate::run::job::Job;

/// Workers on another backend, which pull the source there, for a consumer that awaits the results.
///
/// The backend of [`into_stream`](crate::ParStateful::into_stream).
#[derive(Clone, Copy, Debug, Default)]
pub struct Awaited<B>(pub(crate) B);

impl<B: Backend> sealed::Sealed for Awaited<B> {}
impl<B: Concurrent> Polled for Awaited<B> {}
impl<B: Concurrent + Finishing> Finishing for Awaited<B> {}

impl<B: Concurrent> Backend for Awaited<B> {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = B::Run<I, S, W>;

    type With<C: Concurrent> = Awaited<C>;

    const KIND: &'static str = B::KIND;

    fn with<C: Concurrent>(backend: C) -> Awaited<C> {
        Awaited(backend)
    }
}

impl<B: Concurrent> Concurrent for Awaited<B> {
    type Hands = B::Hands;
}

impl<B: Concurrent> Replaceable for Awaited<B> {}

impl<I, S, W, B> Start<I, S, W> for Awaited<B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Concurrent,
{
    fn start(self, job: Job<I, S, W>, _eager: bool) -> Self::Run<I, S, W> {
        // Eager also at the first poll: the source is not asked for its first item there, where it must not
        // block.
        self.0.start(job, true)
    }
}
