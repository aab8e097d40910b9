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

#[cfg(feature = "stream")]
mod awaited;
pub(crate) mod inline;
mod local;
mod pooled;
#[cfg(feature = "processes")]
pub(crate) mod processes;
#[cfg(feature = "stream")]
pub(crate) mod streamed;
pub(crate) mod threads;

#[cfg(feature = "stream")]
pub use awaited::Awaited;
pub use inline::Inline;
pub use local::Local;
pub use pooled::{Pooled, Seat};
#[cfg(feature = "stream")]
pub use streamed::{StreamSource, Streamed};

pub(crate) use crate::bridge::{Bridge, Finished, Pull, StopWhen};
#[cfg(feature = "stream")]
pub(crate) use crate::run::consumer::PolledRun;
pub(crate) use crate::run::consumer::Run;
pub(crate) use crate::run::exit::Limits;
pub(crate) use crate::run::fed::FedRun;
pub(crate) use crate::run::job::{Job, Team};
pub(crate) use crate::run::policy::Summaries;
pub(crate) use crate::run::pulled::PulledRun;
pub(crate) use crate::run::source::{Nothing, Puller};
pub(crate) use crate::run::team::{Hands, Started};
use crate::sync::Arc;
use crate::{TaskError, Worker};

/// A way to run workers: on threads, on the caller's own thread, in a scope.
pub trait Backend: sealed::Sealed {
    /// A run that has started, seen from its consumer.
    #[doc(hidden)]
    type Run<I: Iterator, S, W: Worker<Input = I::Item>>;

    /// Another backend, asked for in the same way.
    #[doc(hidden)]
    type With<B: Concurrent>: Backend;

    /// Where its workers live, in a word.
    #[doc(hidden)]
    const KIND: &'static str;

    /// Puts another backend in the place of this one.
    #[doc(hidden)]
    fn with<B: Concurrent>(backend: B) -> Self::With<B>;
}

/// A [`Backend`] that can run these workers over this source.
pub trait Start<I, S, W>: Backend<Run<I, S, W>: Run<W::Output>>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    /// Starts a run; `eager` is for one that was asked to start before its first `next()`.
    #[doc(hidden)]
    fn start(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W>;
}

/// A backend that can run these workers over this source, with an iterator of the results: the bound for a function
/// that takes a [`ParStateful`](crate::ParStateful) of any backend and iterates it.
pub trait Launch<I, S, W>: Start<I, S, W> + Blocking
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
}

impl<I, S, W, B> Launch<I, S, W> for B
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Blocking,
{
}

/// A backend that can run these workers over this source, with a stream of the results.
#[cfg(feature = "stream")]
pub trait LaunchPolled<I, S, W>:
    Start<I, S, W> + Backend<Run<I, S, W>: PolledRun<W::Output>> + Polled
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
}

#[cfg(feature = "stream")]
impl<I, S, W, B> LaunchPolled<I, S, W> for B
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W> + Backend<Run<I, S, W>: PolledRun<W::Output>> + Polled,
{
}

/// A backend whose run is an iterator: a consumer that asks it for a result waits for it.
#[diagnostic::on_unimplemented(
    message = "this run is a `Stream`, not an `Iterator`",
    label = "its results are awaited",
    note = "take them by `while let Some(result) = run.next().await`, with `StreamExt` of `futures`"
)]
pub trait Blocking: Backend {}

/// A backend whose run is a [`Stream`](futures_core::Stream): a task that asks it for a result is woken
/// when there is one.
#[cfg(feature = "stream")]
#[diagnostic::on_unimplemented(
    message = "this run is an `Iterator`, not a `Stream`",
    note = "`.into_stream()`, behind all options, makes a stream of it"
)]
pub trait Polled: Backend {}

/// A backend whose workers run beside the consumer, so that a window, an order and a start are
/// worth choosing.
#[diagnostic::on_unimplemented(
    message = "this option is for workers that run beside the consumer",
    label = "here each item is run by the `next()` that asks for it",
    note = "with `.inline()` there is one item in flight, in input order: leave the option out"
)]
pub trait Concurrent: Backend {
    /// What works at a run.
    #[doc(hidden)]
    type Hands: Hands;
}

/// A [`Concurrent`] backend that can have these workers work at a bridge, each of which pulls by a `P`.
pub(crate) trait Workers<S, W: Worker, P>: Concurrent {
    /// How many loops there are for each of so many workers.
    fn lanes(&self, _workers: usize) -> usize {
        1
    }

    /// Starts them, all or some.
    fn begin(
        self,
        team: Team<S, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Self::Hands, Started);
}

/// A backend in whose place another one can stand.
#[diagnostic::on_unimplemented(
    message = "the workers of a pool are where the pool has them",
    note = "write `Pool::new(specs).backend(..)`"
)]
pub trait Replaceable: Backend {}

/// Out of reach for others.
pub(crate) mod sealed {
    /// Keeps the backends, and the types of runs, to those of this crate.
    #[expect(unnameable_types, reason = "who could name it could implement it")]
    pub trait Sealed {}
}

/// A backend that builds its workers for one run, so that they can be finished at its end.
#[diagnostic::on_unimplemented(
    message = "the workers of a pool outlive its maps, and leave their summaries at the end of the pool",
    note = "write `Pool::new(specs).with_summaries()`, and `pool.into_summaries()` at the end"
)]
pub trait Finishing: Backend {}

/// A backend whose workers can be kept from one run to the next, in a [`Pool`](crate::Pool).
pub trait Reusable<S, W: Worker>: Backend + Sized {
    /// What is kept. It ends when it is told to, by [`end`](Reusable::end).
    #[doc(hidden)]
    type Kept;

    /// What works at a run of kept workers.
    #[doc(hidden)]
    type Hands: Hands;

    /// Keeps workers, of which none is started yet.
    #[doc(hidden)]
    fn keep(self, specs: Vec<S>, summaries: Option<Arc<Summaries>>) -> Self::Kept;

    /// Builds the workers that are not there, all at once; gives the error of the first that could not be.
    #[doc(hidden)]
    fn build(kept: &mut Self::Kept) -> Result<(), TaskError>;

    /// Ends the workers, and waits for them; if `whole`, also for those that the last run had to leave behind.
    #[doc(hidden)]
    fn end(kept: &mut Self::Kept, limits: Limits, whole: bool);
}

/// Starts a run over a source that workers pull.
pub(crate) fn pulled<I, S, W, B>(
    backend: B,
    job: Job<I, S, W>,
    eager: bool,
) -> PulledRun<I, W::Output, B::Hands>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Workers<S, W, Puller<I>>,
{
    let lanes = backend.lanes(job.team.specs.len());
    PulledRun::start(job, eager, lanes, |team, bridge, pull| backend.begin(team, bridge, pull))
}
