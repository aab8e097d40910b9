//! Workers that are finished, and not just dropped.

use crate::finish::AnySummary;
use crate::{BuildError, Finish, Spec};

/// A spec whose workers leave a summary; of
/// [`ParStateful::with_summaries`](crate::ParStateful::with_summaries).
#[derive(Clone, Debug)]
pub struct Summing<S>(pub(crate) S);

#[diagnostic::do_not_recommend]
impl<S, W> Spec<W> for Summing<S>
where
    S: Spec<W>,
    W: Finish,
    W::Summary: Send + 'static,
{
    fn build(&self) -> Result<W, BuildError> {
        self.0.build()
    }

    fn finish(&self, worker: W) -> Option<AnySummary> {
        Some(Box::new(worker.finish()))
    }
}
