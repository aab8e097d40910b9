//! A run that has started, seen from its consumer.

#[cfg(feature = "stream")]
use std::task::{Context, Poll};

use super::job::Next;
use crate::bridge::{Finished, StopWhen};

/// A run that has started, whoever pulls its source and wherever its workers are.
pub trait Run<O> {
    /// The next result, where it is at hand: a short cut that may always give `None`.
    #[inline]
    fn ready(&mut self) -> Option<Finished<O>> {
        None
    }

    /// The next result, or the payload of the source's panic, which comes after all results.
    /// After either end nothing is left running, and the run is not asked again.
    fn next(&mut self) -> Next<O>;

    /// The most items that were allowed to be in flight, and the most that were.
    fn in_flight(&self) -> (usize, usize);

    /// How many items were pulled in all, once it is known that no more will be and that each of them
    /// will be yielded.
    fn pulled(&self) -> Option<usize>;

    /// Ends the run after the first result for which `stop` holds.
    fn stop_when(&mut self, stop: StopWhen<O>);
}

/// A [`Run`] whose results can be awaited.
#[cfg(feature = "stream")]
#[diagnostic::on_unimplemented(
    message = "these results cannot be awaited: the consumer pulls the source, and would block in it",
    note = "let the workers pull it, by `par_stateful(..)`, or make it a stream, for `par_stateful_stream(..)`"
)]
pub trait PolledRun<O>: Run<O> {
    /// As [`next`](Run::next), for a task that is woken when it is worth asking again.
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Next<O>>;
}
