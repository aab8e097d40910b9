//! Workers in threads of this process.

mod crew;
mod engine;
pub(crate) mod enter;
mod kept;
mod local;
pub(crate) mod pace;
#[cfg(feature = "progress")]
mod pqdm;
mod pulled;
mod scope;
#[cfg(all(test, not(loom)))]
mod tests;

#[doc(hidden)]
pub use crew::{Crew, Handle, Hands};
pub(crate) use kept::Kept;
#[doc(hidden)]
pub use kept::{Pooled, Seat, Shift};
#[doc(hidden)]
pub use local::FedRun;
pub use local::Local;
#[cfg(feature = "progress")]
pub use pqdm::pqdm;
#[doc(hidden)]
pub use pulled::PulledRun;
pub use scope::{Scope, Scoped, scope};

use crate::backend::{Backend, Concurrent, Job, Launch, Next, sealed};
use crate::bridge::{Finished, StopWhen};
use crate::source::Remote;
use crate::sync::{Arc, JoinHandle};
use crate::{Spec, Worker};

/// Workers in threads of this process, one a spec; the default backend.
///
/// Each set of workers is a rayon pool of its own, so that rayon code which a worker calls adds
/// no threads: `join`, `scope` and parallel iterators run on the worker's own thread, and on
/// others of the set where those wait inside rayon as well or have no more items to come. To give
/// such code more threads, `install` it on another pool. That is also the place for what needs a
/// second thread to get on: a job of `rayon::spawn` runs when a thread of the set has nothing else
/// to do, and `rayon::broadcast` waits for every worker. A thread that was left behind, inside the
/// source or after a [`shutdown_timeout`](crate::ParStateful::shutdown_timeout), has no pool any
/// more to `spawn` into.
///
/// # Examples
///
/// ```
/// use mtask::threads::Threads;
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let specs = worker_fn(|x: u32| x + 1).times(2);
/// let results = par_stateful(0..3, specs).backend(Threads::new());
/// assert_eq!(results.propagate_panics().sum::<u32>(), 6);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Threads {}

impl Threads {
    /// The backend as it is without options.
    pub fn new() -> Self {
        Self::default()
    }
}

impl sealed::Sealed for Threads {}
impl Concurrent for Threads {}

impl Backend for Threads {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> =
        PulledRun<I, W::Output, Crew<JoinHandle<()>>>;
}

impl<I, S, W> Launch<I, S, W> for Threads
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        PulledRun::start(job, eager, 1, |team, bridge, source| {
            let loops = engine::loops(team, bridge, || Remote(Arc::clone(source)));
            Crew::start(loops, |builder, body| builder.spawn(body))
        })
    }

    #[inline(always)]
    fn ready(run: &mut Self::Run<I, S, W>) -> Option<Finished<W::Output>> {
        run.ready()
    }

    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output> {
        run.next()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.stop_when(stop);
    }
}
