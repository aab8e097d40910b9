//! How a run ended.

use std::fmt;

/// How a run ended: from [`ParStateful::ended`](crate::ParStateful::ended) and from
/// [`CancelHandle::ended`](crate::CancelHandle::ended).
///
/// [`Complete`](Ended::Complete) alone means that the source was read to its end and each of its items yielded,
/// as a success or as an error.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
///
/// let mut results = par_map(0..10, 2, |x: u64| x * x);
/// let handle = results.cancel_handle();
/// assert_eq!(results.ended(), None);
/// results.next();
/// handle.cancel(); // on Ctrl-C, say
/// results.by_ref().for_each(drop);
/// match results.ended() {
///     Some(Ended::Complete) => println!("all there"), // the cancel came too late to cut anything off
///     Some(ended) => println!("not all there: {ended}"),
///     None => unreachable!("`next()` has returned `None`"),
/// }
/// # assert!(results.ended().is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The source was read to its end, and each of its items yielded.
    Complete,
    /// By a [`cancel`](crate::CancelHandle::cancel), after what had been pulled; nothing was cut off if that was all.
    Cancelled,
    /// By an [`abort`](crate::CancelHandle::abort): what was in flight and not finished is an error, and nothing more was
    /// pulled. A run that was aborted after all of it was finished is complete.
    Aborted,
    /// It was left early: dropped, by an error that stops or by a panic of the consumer among others.
    Stopped,
    /// No worker was left to run its items.
    NoWorkerLeft,
    /// By a panic of its source.
    SourcePanicked,
    /// Before its first item: a thread, a process or a worker that was to be built at the start was not there.
    StartFailed,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::Aborted => "aborted",
            Self::Stopped => "stopped",
            Self::NoWorkerLeft => "no worker left",
            Self::SourcePanicked => "source panicked",
            Self::StartFailed => "start failed",
        }
    }
}

/// One or two plain words.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
