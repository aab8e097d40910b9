//! Workers in threads of this process.

mod kept;
mod scoped;
#[cfg(all(test, not(loom)))]
mod tests;

pub use kept::{Kept, Shift};
pub(crate) use scoped::Runs;
pub use scoped::Scoped;

use std::fmt;

use super::{Backend, Blocking, Bridge, Concurrent, Finishing, Pull, PulledRun, Start, Team};
use super::{Replaceable, Started, Workers, pulled, sealed};
use crate::run::job::Job;
use crate::run::team::enter::Loop;
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
#[derive(Clone, Copy, Default)]
#[must_use = "it is set by `.backend(..)`"]
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
    #[cfg_attr(mtask_docs, doc(cfg(feature = "affinity")))]
    #[cfg(feature = "affinity")]
    pub fn pinned(self) -> Self {
        Self(self.0.pinned())
    }

    /// Starts a thread for each loop. Apart from what depends on the worker, so that a program with many runs has
    /// it once.
    fn crew(
        self,
        loops: Vec<Loop<'static>>,
        panics: SpawnedPanics,
    ) -> (Crew<JoinHandle<()>>, Started) {
        Crew::start(self.0, loops, panics, &|builder, body| builder.spawn(body))
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl sealed::Sealed for Threads {}
impl Blocking for Threads {}
impl Finishing for Threads {}
impl Replaceable for Threads {}

impl Concurrent for Threads {
    type Hands = Crew<JoinHandle<()>>;
}

impl Backend for Threads {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> =
        PulledRun<I, W::Output, Crew<JoinHandle<()>>>;

    type With<C: Concurrent> = C;

    const KIND: &'static str = "threads";

    fn with<C: Concurrent>(backend: C) -> C {
        backend
    }
}

impl<S, W, P> Workers<S, W, P> for Threads
where
    S: Spec<W> + 'static,
    W: Worker,
    W::Input: Send + 'static,
    W::Output: Send + 'static,
    P: Pull<W::Input> + Send + 'static,
{
    fn begin(
        self,
        team: Team<S, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Self::Hands, Started) {
        #[cfg(debug_assertions)]
        crate::bridge::live::register(bridge);
        let panics = SpawnedPanics::of(&team.counters, &team.trace);
        let loops = worker_loop::loops(team, bridge, pull);
        self.crew(loops, panics)
    }
}

impl<I, S, W> Start<I, S, W> for Threads
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    fn start(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        pulled(self, job, eager)
    }
}
