//! Workers in threads of this process.

mod kept;
mod local;
mod scoped;
#[cfg(feature = "stream")]
mod streamed;
#[cfg(all(test, not(loom)))]
mod tests;

pub use kept::{Kept, Shift};
pub use local::{FedRun, Local};
pub(crate) use scoped::Runs;
pub use scoped::Scoped;
#[cfg(feature = "stream")]
pub use streamed::{StreamSource, Streamed, StreamedRun};

use super::{Backend, Concurrent, Finishing, Launch, by_pulled_run, sealed};
#[cfg(feature = "stream")]
use super::{LaunchPolled, poll_by_pulled_run};
use crate::run::consumer::PulledRun;
use crate::run::job::Job;
use crate::run::source::Remote;
use crate::run::team::{Crew, SpawnedPanics, ThreadSettings};
use crate::run::worker_loop;
use crate::sync::{Arc, JoinHandle};
use crate::{Spec, Worker};

/// Workers in threads of this process, one a spec; the default backend.
///
/// Each set of workers is a rayon pool of its own, so that rayon code which a worker calls adds
/// no threads: `join`, `scope` and parallel iterators run on the worker's own thread, and on
/// others of the set where those wait inside rayon as well or have no more items to come. To give
/// such code more threads, `install` it on another pool. That is also the place for what needs a
/// second thread to get on: a job of `rayon::spawn` runs when a thread of the set has nothing else
/// to do (should it panic, the message is printed and
/// [counted](crate::Stats::spawned_panics), and no item fails by it), and `rayon::broadcast` waits for every worker. A thread that was left behind, inside the
/// source or after a [`shutdown_timeout`](crate::ParStateful::shutdown_timeout), has no pool any
/// more to `spawn` into.
///
/// With `panic = "abort"` a worker's panic ends the program; to lose no more than the item there are processes, feature
/// `processes`. In a child that the program forks, the threads of its runs are missing: a run that had started must be
/// neither asked nor dropped there.
///
/// A run that is dropped by one of its own workers waits for none of its threads: they end by
/// themselves once they are through with what is in progress.
///
/// # Large items
///
/// Items and results that are large by value pass over the stack of their worker, several times
/// over in a debug build. With the 2 MiB that a thread has by default, items and results of 48 KiB
/// fit in any build and of 256 KiB in an optimized one (half of that with
/// [`retries`](crate::ParStateful::retries)); larger ones overflow the stack, which aborts
/// the process. Put such items into a `Box` or a `Vec`, or ask for
/// [`stack_size`](Threads::stack_size): some 50 times the item in a debug build. Where there is no
/// such option, in a [`scope`](crate::scope) and over a local source, the environment variable `RUST_MIN_STACK`
/// says it.
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
pub struct Threads(ThreadSettings);

impl Threads {
    /// The backend as it is without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of each thread's stack, for workers that recurse deeply and for large items; without it as much as
    /// [`std::thread::Builder`] gives, 2 MiB mostly.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    /// use mtask::threads::Threads;
    ///
    /// fn depth(n: u64) -> u64 {
    ///     let frame = std::hint::black_box([n; 128]); // a kilobyte
    ///     if n == 0 { 0 } else { depth(frame[0] - 1) + 1 }
    /// }
    ///
    /// let depths = par_map([20_000], 1, depth).backend(Threads::new().stack_size(256 << 20));
    /// assert_eq!(depths.propagate_panics().next(), Some(20_000));
    /// ```
    pub fn stack_size(self, bytes: usize) -> Self {
        Self(self.0.stack_size(bytes))
    }

    /// Keeps each worker on a processor of its own, from the first on; where there are more workers than
    /// processors, they share. For workers whose caches are dear. Without effect where the system lets no
    /// program choose.
    ///
    /// Rayon code that a worker calls runs on the pinned threads of its set.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    /// use mtask::threads::Threads;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x + 1).backend(Threads::new().pinned());
    /// assert_eq!(results.propagate_panics().sum::<u32>(), 55);
    /// ```
    #[cfg(feature = "affinity")]
    pub fn pinned(self) -> Self {
        Self(self.0.pinned())
    }
}

impl sealed::Sealed for Threads {}
impl Concurrent for Threads {}
impl Finishing for Threads {}

impl Backend for Threads {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> =
        PulledRun<I, W::Output, Crew<JoinHandle<()>>>;

    const KIND: &'static str = "threads";
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
            let panics = SpawnedPanics::of(&team.counters, &team.trace);
            let loops = worker_loop::loops(team, bridge, || Remote(Arc::clone(source)));
            Crew::start(self.0, loops, panics, |builder, body| builder.spawn(body))
        })
    }

    by_pulled_run!(I, S, W);
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, S, W> for Threads
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    poll_by_pulled_run!(I, S, W);
}
