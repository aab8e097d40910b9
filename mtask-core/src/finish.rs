//! What a worker leaves behind.

use std::any::Any;

use crate::Worker;

/// A summary, whatever its type.
pub(crate) type AnySummary = Box<dyn Any + Send>;

/// A worker that sums itself up when its last item is done.
///
/// `#[delayed_init]` writes it for `fn finish(self) -> T`. A run finishes its workers where it was asked to,
/// by [`with_summaries`](crate::ParStateful::with_summaries); else they are dropped. What has to happen in any
/// case, as flushing a file, belongs into `Drop`, which runs in the worker's thread as well.
///
/// # Examples
///
/// ```
/// use mtask::{Finish, Worker};
///
/// struct Longest(usize);
///
/// impl Worker for Longest {
///     type Input = String;
///     type Output = usize;
///
///     fn call(&mut self, line: String) -> usize {
///         self.0 = self.0.max(line.len());
///         line.len()
///     }
/// }
///
/// impl Finish for Longest {
///     type Summary = usize;
///
///     fn finish(self) -> usize {
///         self.0
///     }
/// }
///
/// let mut worker = Longest(0);
/// worker.call("four".to_owned());
/// worker.call("six".to_owned());
/// assert_eq!(worker.finish(), 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` leaves no summary: it has no `finish`",
    label = "summaries are of workers with `finish`",
    note = "write `fn finish(self) -> T` in its `impl` block with `#[delayed_init]`, or implement `Finish`"
)]
pub trait Finish: Worker {
    /// What is left of the worker.
    type Summary;

    /// Ends the worker.
    fn finish(self) -> Self::Summary;
}
