//! Where workers live.
//!
//! A backend is chosen by the function that starts a run or by
//! [`ParStateful::backend`](crate::ParStateful::backend). The traits here are sealed: they are
//! public so that they can stand in bounds, as in
//!
//! ```
//! use mtask::backend::Launch;
//! use mtask::{ParStateful, Worker};
//!
//! fn count<I, S, W, B>(results: ParStateful<I, S, W, B>) -> usize
//! where
//!     I: Iterator,
//!     W: Worker<Input = I::Item>,
//!     B: Launch<I, S, W>,
//! {
//!     results.filter(Result::is_ok).count()
//! }
//! ```

mod inline;
mod pooled;
#[cfg(feature = "processes")]
pub(crate) mod processes;
pub(crate) mod threads;

#[cfg(feature = "stream")]
use std::task::{Context, Poll};
use std::time::Duration;

pub use inline::{Inline, InlineRun};
pub use pooled::{Pooled, Seat};

#[doc(hidden)]
pub use crate::bridge::{Finished, StopWhen};
#[doc(hidden)]
pub use crate::run::consumer::PulledRun;
#[doc(hidden)]
pub use crate::run::job::{Job, Next};
#[doc(hidden)]
pub use crate::run::policy::{Flatten, Place, Summaries};
#[doc(hidden)]
pub use crate::run::team::{Crew, Handle, Hands};
use crate::sync::Arc;
use crate::{TaskError, Worker};

/// A way to run workers: on threads, on the caller's own thread, in a scope.
pub trait Backend: sealed::Sealed {
    /// A run that has started, seen from its consumer.
    #[doc(hidden)]
    type Run<I: Iterator, S, W: Worker<Input = I::Item>>;

    /// What it is called where a run tells of itself.
    #[doc(hidden)]
    const KIND: &'static str;
}

/// A [`Backend`] that can run these workers over this source.
pub trait Launch<I, S, W>: Backend
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    /// Starts a run; `eager` is for one that was asked to start before its first `next()`.
    #[doc(hidden)]
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W>;

    /// The next result, where it is at hand: a short cut that may always give `None`.
    #[doc(hidden)]
    #[inline]
    fn ready(_run: &mut Self::Run<I, S, W>) -> Option<Finished<W::Output>> {
        None
    }

    /// The next result, or the payload of the source's panic, which comes after all results.
    /// After either end nothing is left running, and the run is not asked again.
    #[doc(hidden)]
    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output>;

    /// The most items that were allowed to be in flight, and the most that were.
    #[doc(hidden)]
    fn in_flight(_run: &Self::Run<I, S, W>) -> (usize, usize) {
        (1, 1)
    }

    /// How many items were pulled in all, once it is known that no more will be and that each of them
    /// will be yielded.
    #[doc(hidden)]
    fn pulled(run: &Self::Run<I, S, W>) -> Option<usize>;

    /// Ends the run after the first result for which `stop` holds.
    #[doc(hidden)]
    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>);
}

/// A [`Launch`] whose results can be awaited.
#[cfg(feature = "stream")]
pub trait LaunchPolled<I, S, W>: Launch<I, S, W>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    /// As [`Launch::next`], for a task that is woken when it is worth asking again.
    #[doc(hidden)]
    fn poll(run: &mut Self::Run<I, S, W>, task: &mut Context<'_>) -> Poll<Next<W::Output>>;
}

/// A backend whose workers run beside the consumer, so that a window, an order and a start are
/// worth choosing.
pub trait Concurrent: Backend {}

#[doc(hidden)]
pub mod sealed {
    /// Keeps the backends to those of this crate.
    pub trait Sealed {}
}

/// A backend that builds its workers for one run, so that they can be finished at its end.
pub trait Finishing: Backend {}

/// A backend whose workers can be kept from one run to the next, in a [`Pool`](crate::Pool).
pub trait Reusable<S, W: Worker>: Backend + Sized {
    /// What is kept. It ends when it is told to, by [`end`](Reusable::end).
    #[doc(hidden)]
    type Kept;

    /// A run of kept workers.
    #[doc(hidden)]
    type Map<I: Iterator, O>;

    /// Keeps workers, of which none is started yet.
    #[doc(hidden)]
    fn keep(self, specs: Vec<S>, summaries: Option<Arc<Summaries>>) -> Self::Kept;

    /// Builds the workers that are not there, all at once; gives the error of the first that could not be.
    #[doc(hidden)]
    fn build(kept: &mut Self::Kept) -> Result<(), TaskError>;

    /// Ends the workers, and waits for them: as long as it takes if `whole`, or as a run does that is left
    /// early.
    #[doc(hidden)]
    fn end(kept: &mut Self::Kept, timeout: Option<Duration>, whole: bool);
}

/// What a [`Launch`] leaves to its run, where that is a [`PulledRun`].
macro_rules! by_pulled_run {
    ($source:ty, $spec:ty, $worker:ty) => {
        #[inline(always)]
        fn ready(
            run: &mut Self::Run<$source, $spec, $worker>,
        ) -> Option<$crate::backend::Finished<<$worker as $crate::Worker>::Output>> {
            run.ready()
        }

        fn next(
            run: &mut Self::Run<$source, $spec, $worker>,
        ) -> $crate::backend::Next<<$worker as $crate::Worker>::Output> {
            run.next()
        }

        fn in_flight(run: &Self::Run<$source, $spec, $worker>) -> (usize, usize) {
            run.in_flight()
        }

        fn pulled(run: &Self::Run<$source, $spec, $worker>) -> Option<usize> {
            run.pulled()
        }

        fn stop_when(
            run: &mut Self::Run<$source, $spec, $worker>,
            stop: $crate::backend::StopWhen<<$worker as $crate::Worker>::Output>,
        ) {
            run.stop_when(stop);
        }
    };
}
pub(crate) use by_pulled_run;

/// The same of a [`LaunchPolled`].
#[cfg(feature = "stream")]
macro_rules! poll_by_pulled_run {
    ($source:ty, $spec:ty, $worker:ty) => {
        fn poll(
            run: &mut Self::Run<$source, $spec, $worker>,
            task: &mut std::task::Context<'_>,
        ) -> std::task::Poll<$crate::backend::Next<<$worker as $crate::Worker>::Output>> {
            run.poll(task)
        }
    };
}
#[cfg(feature = "stream")]
pub(crate) use poll_by_pulled_run;
