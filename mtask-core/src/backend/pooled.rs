//! The workers of a pool, as a backend.

use std::fmt;

use super::{Backend, Blocking, Concurrent, PulledRun, Reusable, sealed};
use crate::Worker;

/// In place of a spec, where the worker is there already.
#[derive(Clone, Copy, Debug)]
pub struct Seat;

/// The workers of a pool; the backend of [`Pool::map`](crate::Pool::map).
pub struct Pooled<'p, S, W: Worker, B: Reusable<S, W>>(pub(crate) &'p mut B::Kept);

impl<S, W: Worker, B: Reusable<S, W>> fmt::Debug for Pooled<'_, S, W, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").finish_non_exhaustive()
    }
}

impl<S, W: Worker, B: Reusable<S, W>> sealed::Sealed for Pooled<'_, S, W, B> {}
impl<S, W: Worker, B: Reusable<S, W>> Blocking for Pooled<'_, S, W, B> {}

impl<S, W: Worker, B: Reusable<S, W>> Concurrent for Pooled<'_, S, W, B> {
    type Hands = B::Hands;
}

impl<S, K: Worker, B: Reusable<S, K>> Backend for Pooled<'_, S, K, B> {
    type Run<I: Iterator, T, W: Worker<Input = I::Item>> = PulledRun<I, W::Output, B::Hands>;

    type With<C: Concurrent> = C;

    const KIND: &'static str = B::KIND;

    fn with<C: Concurrent>(backend: C) -> C {
        backend
    }
}
