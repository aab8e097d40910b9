//! The run behind an adaptor: what can be asked of it, however many adaptors stand before it.

use super::{DeferErrors, FlattenErrors, PropagatePanics, StopOnError};
use crate::backend::{Backend, Start, sealed::Sealed};
use crate::{CancelHandle, Ended, Finish, ParStateful, Stats, TaskError, Worker};

/// A run, or an adaptor of one.
///
/// Sealed; implemented by [`ParStateful`] and by each adaptor.
pub trait HasRun: Sealed {
    /// The run itself.
    type Run: RunInfo;

    /// The run itself, through all adaptors.
    #[doc(hidden)]
    fn run(&self) -> &Self::Run;

    /// As [`run`](HasRun::run), to change it.
    #[doc(hidden)]
    fn run_mut(&mut self) -> &mut Self::Run;

    /// The run itself, out of all adaptors.
    #[doc(hidden)]
    fn into_run(self) -> Self::Run;
}

/// A run itself.
///
/// Sealed; implemented by [`ParStateful`].
pub trait RunInfo: Sealed {
    /// As [`ParStateful::stats`].
    #[doc(hidden)]
    fn stats(&self) -> Stats;

    /// As [`ParStateful::is_finished`].
    #[doc(hidden)]
    fn is_finished(&self) -> bool;

    /// As [`ParStateful::cancel_handle`].
    #[doc(hidden)]
    fn cancel_handle(&self) -> CancelHandle;

    /// As [`ParStateful::ended`].
    #[doc(hidden)]
    fn ended(&self) -> Option<Ended>;

    /// Ends it early, as dropping it does.
    #[doc(hidden)]
    fn end_early(&mut self);
}

/// A run whose workers leave summaries.
///
/// Sealed; implemented by [`ParStateful`] where its worker is a [`Finish`].
pub trait Summarized: RunInfo {
    /// What a worker leaves.
    type Summary;

    /// As [`ParStateful::into_summaries`].
    #[doc(hidden)]
    fn into_summaries(self) -> Vec<(usize, Result<Self::Summary, TaskError>)>;
}

impl<I, S, W, B> HasRun for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    type Run = Self;

    fn run(&self) -> &Self {
        self
    }

    fn run_mut(&mut self) -> &mut Self {
        self
    }

    fn into_run(self) -> Self {
        self
    }
}

impl<I, S, W, B> RunInfo for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    fn stats(&self) -> Stats {
        self.stats()
    }

    fn is_finished(&self) -> bool {
        self.is_finished()
    }

    fn cancel_handle(&self) -> CancelHandle {
        self.cancel_handle()
    }

    fn ended(&self) -> Option<Ended> {
        self.ended()
    }

    fn end_early(&mut self) {
        self.end_early();
    }
}

impl<I, S, W, B> Summarized for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Finish<Input = I::Item>,
    W::Summary: Send + 'static,
    B: Backend + Start<I, S, W>,
{
    type Summary = W::Summary;

    fn into_summaries(self) -> Vec<(usize, Result<W::Summary, TaskError>)> {
        self.into_summaries()
    }
}

macro_rules! behind {
    ($($adaptor:ident)*) => { $(
        impl<R> Sealed for $adaptor<R> {}

        impl<R: HasRun> HasRun for $adaptor<R> {
            type Run = R::Run;

            fn run(&self) -> &R::Run {
                self.results.run()
            }

            fn run_mut(&mut self) -> &mut R::Run {
                self.results.run_mut()
            }

            fn into_run(self) -> R::Run {
                self.results.into_run()
            }
        }

        /// The run behind the adaptor.
        impl<R: HasRun> $adaptor<R> {
            /// The run itself, through all adaptors.
            pub fn get_ref(&self) -> &R::Run {
                self.run()
            }

            /// The run itself, out of all adaptors: for the rest of its items as they are.
            pub fn into_inner(self) -> R::Run {
                self.into_run()
            }

            /// What happened so far; after the end, in all of the run: as [`ParStateful::stats`].
            pub fn stats(&self) -> Stats {
                self.run().stats()
            }

            /// True once nothing of the run is left running: as [`ParStateful::is_finished`].
            pub fn is_finished(&self) -> bool {
                self.run().is_finished()
            }

            /// How the run ended; `None` until it has: as [`ParStateful::ended`].
            pub fn ended(&self) -> Option<Ended> {
                self.run().ended()
            }

            /// A handle that ends the run in order, from anywhere: as [`ParStateful::cancel_handle`].
            pub fn cancel_handle(&self) -> CancelHandle {
                self.run().cancel_handle()
            }

            /// Ends the run, where it has not come to its end, and gives what each worker left: as
            /// [`ParStateful::into_summaries`].
            #[must_use = "what a worker left may be an error"]
            pub fn into_summaries(
                self,
            ) -> Vec<(usize, Result<<R::Run as Summarized>::Summary, TaskError>)>
            where
                R::Run: Summarized,
            {
                self.into_run().into_summaries()
            }
        }
    )* };
}

behind!(FlattenErrors StopOnError DeferErrors PropagatePanics);
