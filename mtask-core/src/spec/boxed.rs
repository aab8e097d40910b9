//! A spec whose worker's type is hidden.

use std::fmt;
use std::marker::PhantomData;

use crate::{BuildError, Spec, Worker};

/// A worker whose type is hidden.
pub(crate) type BoxWorker<I, O> = Box<dyn Worker<Input = I, Output = O>>;

/// A spec whose worker's type is hidden behind its input and output; made by
/// [`Spec::boxed`].
#[must_use = "a spec does nothing by itself: give it to a run"]
pub struct BoxSpec<I, O> {
    inner: Box<dyn DynSpec<I, O>>,
}

/// [`Spec`] without what keeps it from being a trait object.
trait DynSpec<I, O>: Send {
    fn clone_box(&self) -> Box<dyn DynSpec<I, O>>;
    fn build_box(&self) -> Result<BoxWorker<I, O>, BuildError>;
}

/// A spec beside the type of worker it builds, which a trait object cannot name.
struct Typed<S, W> {
    spec: S,
    worker: PhantomData<fn() -> W>,
}

impl<S, W> DynSpec<W::Input, W::Output> for Typed<S, W>
where
    S: Spec<W> + 'static,
    W: Worker + 'static,
{
    fn clone_box(&self) -> Box<dyn DynSpec<W::Input, W::Output>> {
        Box::new(Self { spec: self.spec.clone(), worker: PhantomData })
    }

    fn build_box(&self) -> Result<BoxWorker<W::Input, W::Output>, BuildError> {
        Ok(Box::new(self.spec.build()?))
    }
}

impl<I, O> BoxSpec<I, O> {
    pub(super) fn new<S, W>(spec: S) -> Self
    where
        S: Spec<W> + 'static,
        W: Worker<Input = I, Output = O> + 'static,
    {
        Self { inner: Box::new(Typed { spec, worker: PhantomData }) }
    }
}

#[diagnostic::do_not_recommend]
impl<I, O> Spec<BoxWorker<I, O>> for BoxSpec<I, O> {
    fn build(&self) -> Result<BoxWorker<I, O>, BuildError> {
        self.inner.build_box()
    }
}

impl<I, O> Clone for BoxSpec<I, O> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone_box() }
    }
}

impl<I, O> fmt::Debug for BoxSpec<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSpec").finish_non_exhaustive()
    }
}
