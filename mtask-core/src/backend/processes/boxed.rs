//! A remote spec whose worker's type is hidden.

use std::fmt;

use super::remote::RemoteSpec;
use crate::spec::{BoxSpec, BoxWorker};
use crate::sync::Arc;
use crate::{BuildError, Spec, Worker};

/// A remote spec whose worker's type is hidden behind its input and output; made by
/// [`RemoteSpec::remote_boxed`].
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[must_use = "a spec does nothing by itself: give it to a run"]
pub struct RemoteBoxSpec<I, O> {
    spec: BoxSpec<I, O>,
    worker: &'static str,
    bytes: Arc<Result<Vec<u8>, String>>,
}

impl<I, O> RemoteBoxSpec<I, O> {
    pub(super) fn new<S, W>(spec: S) -> Self
    where
        S: RemoteSpec<W> + 'static,
        W: Worker<Input = I, Output = O> + 'static,
    {
        let (worker, bytes) = (spec.worker_name(), Arc::new(spec.to_bytes()));
        Self { spec: spec.boxed(), worker, bytes }
    }
}

#[diagnostic::do_not_recommend]
impl<I, O> Spec<BoxWorker<I, O>> for RemoteBoxSpec<I, O> {
    fn build(&self) -> Result<BoxWorker<I, O>, BuildError> {
        self.spec.build()
    }
}

#[diagnostic::do_not_recommend]
impl<I, O> RemoteSpec<BoxWorker<I, O>> for RemoteBoxSpec<I, O> {
    fn worker_name(&self) -> &'static str {
        self.worker
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        Result::clone(&self.bytes)
    }
}

impl<I, O> Clone for RemoteBoxSpec<I, O> {
    fn clone(&self) -> Self {
        Self { spec: self.spec.clone(), worker: self.worker, bytes: Arc::clone(&self.bytes) }
    }
}

impl<I, O> fmt::Debug for RemoteBoxSpec<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteBoxSpec").field("worker", &self.worker).finish_non_exhaustive()
    }
}
