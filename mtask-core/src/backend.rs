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

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::needs_drop;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};
use std::time::Duration;

use crate::bridge::{Bell, Bridge, Outlet, Plan};
#[doc(hidden)]
pub use crate::bridge::{Finished, StopWhen};
use crate::care::Care;
#[doc(hidden)]
pub use crate::care::{Flatten, Place, Summaries};
#[doc(hidden)]
pub use crate::inline::InlineRun;
#[doc(hidden)]
pub use crate::pool::{Pooled, Seat};
use crate::stage::Stage;
use crate::stats::Counters;
use crate::sync::Arc;
#[doc(hidden)]
pub use crate::threads::{FedRun, Hands, PulledRun};
use crate::trace::Scope;
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

/// What a run gives when it is asked.
#[doc(hidden)]
pub type Next<O> = Result<Option<Finished<O>>, Box<dyn Any + Send>>;

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

/// What a backend is given to run.
#[doc(hidden)]
pub struct Job<I, S, W: Worker> {
    pub(crate) source: I,
    pub(crate) team: Team<S, W>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) options: Options<W::Output>,
    pub(crate) stage: Stage,
    pub(crate) worker: PhantomData<fn() -> W>,
}

impl<I, S, W: Worker> fmt::Debug for Job<I, S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("workers", &self.team.specs.len()).finish_non_exhaustive()
    }
}

/// The workers to be, and what becomes of them.
pub(crate) struct Team<S, W: Worker> {
    pub(crate) specs: Vec<S>,
    pub(crate) care: Care<W::Input, W::Output>,
    pub(crate) counters: Arc<Counters>,
    /// What the workers tell comes from here.
    pub(crate) trace: Scope,
    /// Held by each thread that works at the run, until it is through with it.
    pub(crate) alive: Arc<()>,
    /// All are built at the start.
    pub(crate) build_now: bool,
    /// How long they are waited for at the end.
    pub(crate) timeout: Option<Duration>,
}

/// The options of a run that concern its bridge, as the front collects them.
pub(crate) struct Options<O> {
    pub(crate) ordered: bool,
    /// `None` adapts.
    pub(crate) window: Option<usize>,
    /// `None` adapts.
    pub(crate) batch: Option<usize>,
    pub(crate) stop_when: Option<StopWhen<O>>,
    /// The consumer polls.
    pub(crate) polled: bool,
}

impl<O> Default for Options<O> {
    fn default() -> Self {
        Self { ordered: true, window: None, batch: None, stop_when: None, polled: false }
    }
}

impl<I: Iterator, S, W: Worker<Input = I::Item>> Job<I, S, W> {
    /// Where the results of this job come out; `fed` where the consumer pulls the source, and with so
    /// many loops for each worker.
    pub(crate) fn outlet(&self, fed: bool, lanes: usize) -> Outlet<I::Item, W::Output> {
        let plan = Plan {
            workers: self.team.specs.len() * lanes,
            window: self.options.window,
            item_bytes: size_of::<I::Item>().max(size_of::<W::Output>()),
            owning: needs_drop::<I::Item>() || needs_drop::<W::Output>(),
            batch: self.options.batch.unwrap_or(usize::MAX),
            ordered: self.options.ordered,
            build_now: self.team.build_now,
            fed,
            polled: self.options.polled,
        };
        let (_, mut outlet) = Bridge::new(plan, Arc::clone(&self.bell));
        if let Some(stop) = self.options.stop_when {
            outlet.stop_when(stop);
        }
        outlet
    }
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
