//! Workers that are kept from one run to the next.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::{ParStateful, specs_of};
use crate::backend::threads::Threads;
use crate::backend::{Pooled, Reusable, Seat};
use crate::run::exit::Limits;
use crate::run::policy::Summaries;
use crate::spec::Summing;
use crate::sync::Arc;
use crate::{Finish, Spec, TaskError, Worker};

/// Workers that are built once and used for many runs.
///
/// [`par_stateful`](crate::par_stateful) builds its workers for a single iterator. Where a program has many,
/// a directory after a directory or an epoch after an epoch, a pool keeps workers, their threads and
/// whatever they hold between them: the models, the connections, the caches. The name for it is
/// `keep_alive` in MPIRE and `persistent_workers` in torch's `DataLoader`.
///
/// Nothing is spawned or built before the first [`map`](Pool::map) yields, or [`build_now`](Pool::build_now); each
/// worker is built when it takes its first item, and again only after a panic. What holds for a run holds
/// for each map: order, bounds, one result for each input, an early end at any point. Dropping the
/// pool drops the workers, each on its own thread, and joins the threads, however long that takes unless there is a
/// [`finish_timeout`](Pool::finish_timeout).
///
/// Workers are in threads, or by [`backend`](Pool::backend) in processes, of which a map that is dropped early
/// costs none.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
///
/// struct Counter {
///     seen: u32,
/// }
///
/// #[delayed_init]
/// impl Counter {
///     fn new() -> Self {
///         Self { seen: 0 } // once, however many maps there are
///     }
///
///     fn call(&mut self, _word: String) -> u32 {
///         self.seen += 1;
///         self.seen
///     }
/// }
///
/// let mut pool = Pool::new([Counter::spec()]);
/// for (chapter, expected) in [("the cat sat", 3), ("on the mat", 6)] {
///     let words = chapter.split(' ').map(str::to_owned).collect::<Vec<_>>();
///     let seen: Vec<u32> = pool.map(words).collect::<Result<_, _>>()?;
///     assert_eq!(seen.last(), Some(&expected));
/// }
/// pool.finish();
/// # Ok::<(), TaskError>(())
/// ```
#[must_use = "a pool does nothing until something is mapped over it"]
pub struct Pool<S, W: Worker, B: Reusable<S, W> = Threads> {
    state: State<S, B, B::Kept>,
    workers: usize,
    limits: Limits,
    summaries: Option<Arc<Summaries>>,
}

enum State<S, B, K> {
    /// Nothing has been asked for yet.
    Ready(Vec<S>, B),
    Kept(K),
    /// Over, or taken for another pool.
    Done,
}

/// A map over a [`Pool`]: the results of one iterator, with the options of
/// [`ParStateful`] for it alone.
pub type PoolMap<'p, I, S, W, B = Threads> = ParStateful<I, Seat, W, Pooled<'p, S, W, B>>;

impl<S: Spec<W> + 'static, W: Worker + 'static> Pool<S, W> {
    /// A pool of a worker for each spec, none of which is built yet.
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    pub fn new(specs: impl IntoIterator<Item = S>) -> Self {
        let specs = specs_of(specs);
        let workers = specs.len();
        Self {
            state: State::Ready(specs, Threads::new()),
            workers,
            limits: Limits::default(),
            summaries: None,
        }
    }
}

impl<S, W: Worker, B: Reusable<S, W>> Pool<S, W, B> {
    /// Maps an iterator through the workers, as [`par_stateful`](crate::par_stateful) does, and with its
    /// options.
    ///
    /// A map that is dropped early leaves the pool as it was: what is in progress is finished, and the next
    /// map waits for it, also for a thread that the dropped map had to leave inside its source. A
    /// map that was forgotten (`mem::forget`) is cancelled when the next one starts. Two maps at
    /// once are refused by the compiler:
    ///
    /// ```compile_fail,E0499
    /// use mtask::{Pool, Spec, worker_fn};
    ///
    /// let mut pool = Pool::new(worker_fn(|x: u32| x + 1).times(2));
    /// let mut one = pool.map(0..3);
    /// let two = pool.map(0..3);
    /// one.next();
    /// ```
    ///
    /// A worker that could not be built in one map is built again by the next.
    /// [`stats`](ParStateful::stats) counts for the map.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Pool, Spec, worker_fn};
    ///
    /// let mut pool = Pool::new(worker_fn(|x: u32| x * x).times(2));
    /// let squares = pool.map(0..1_000).max_in_flight(16).propagate_panics();
    /// assert_eq!(squares.take(3).collect::<Vec<_>>(), [0, 1, 4]);
    /// assert_eq!(pool.map([5]).propagate_panics().next(), Some(25));
    /// ```
    pub fn map<I>(&mut self, iter: I) -> PoolMap<'_, I::IntoIter, S, W, B>
    where
        I: IntoIterator<Item = W::Input>,
        I::IntoIter: Send + 'static,
        W::Input: Send + 'static,
        W::Output: Send + 'static,
    {
        let (seats, limits) = (vec![Seat; self.workers], self.limits);
        ParStateful::new(iter.into_iter(), seats, Pooled(self.kept())).limited(limits)
    }

    /// Builds the workers that are not there yet, all at once, each on its own thread.
    ///
    /// # Errors
    ///
    /// That of the first worker, by its number, that could not be built, or of a thread that could not be
    /// started. The others are built, and this one is tried again for its next item.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{BuildError, Pool, Spec, init_fn};
    ///
    /// let open = |path: &'static str| init_fn(move || {
    ///     let text = std::fs::read_to_string(path)?;
    ///     Ok::<_, std::io::Error>(move |x: usize| text.len() + x)
    /// });
    /// let mut pool = Pool::new([open("no such file")]);
    /// let error = pool.build_now().unwrap_err();
    /// assert_eq!(error.worker(), Some(0));
    /// ```
    pub fn build_now(&mut self) -> Result<(), TaskError> {
        B::build(self.kept())
    }

    /// Bounds the wait for an item in progress where a map is left early, and again where the pool is dropped after
    /// that: a thread that takes longer is left to end by itself, and a process killed. Without it threads are
    /// waited for, however long that takes, and processes for 5 s.
    ///
    /// A map may have another one, by its own option.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread::sleep;
    /// use std::time::Duration;
    ///
    /// use mtask::{Pool, worker_fn};
    ///
    /// let nap = worker_fn(|ms: u64| sleep(Duration::from_millis(ms)));
    /// let mut pool = Pool::new([nap]).shutdown_timeout(Duration::from_millis(10));
    /// pool.map([0, 60_000]).next(); // neither this
    /// drop(pool); // nor this waits a minute
    /// ```
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.limits.shutdown = Some(timeout);
        self
    }

    /// Bounds the wait for workers to end with the pool: for their destructors and their [`Finish`]. Without it they
    /// are waited for, however long that takes.
    ///
    /// A thread that has not ended by then is left to end by itself, and a process is killed. Among the
    /// [summaries](Pool::into_summaries) there is an error of the kind
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut) for each worker that has left none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mtask::{Pool, Spec, worker_fn};
    ///
    /// let specs = worker_fn(|x: u32| x + 1).times(2);
    /// let mut pool = Pool::new(specs).finish_timeout(Duration::from_secs(10));
    /// assert_eq!(pool.map([1]).propagate_panics().next(), Some(2));
    /// pool.finish();
    /// ```
    pub fn finish_timeout(mut self, timeout: Duration) -> Self {
        self.limits.finish = Some(timeout);
        self
    }

    /// Where the workers are to live: in threads that are made otherwise, or, with the feature
    /// `processes`, in processes, by `Processes::new()`. There a map costs the start of a thread or two for each
    /// worker, and a map that is dropped early lets a process go on with the item in progress, for as long as its
    /// [`shutdown_timeout`](ParStateful::shutdown_timeout) or 5 s, and no further.
    ///
    /// # Panics
    ///
    /// After the first map or [`build_now`](Pool::build_now).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::threads::Threads;
    /// use mtask::{Pool, Spec, worker_fn};
    ///
    /// let specs = worker_fn(|x: u32| x + 1).times(2);
    /// let mut pool = Pool::new(specs).backend(Threads::new().stack_size(16 << 20));
    /// assert_eq!(pool.map([1]).propagate_panics().next(), Some(2));
    /// ```
    #[track_caller]
    pub fn backend<C: Reusable<S, W>>(mut self, backend: C) -> Pool<S, W, C> {
        let (specs, _) = self.plan("backend");
        self.with(State::Ready(specs, backend))
    }

    /// Has each worker [finished](Finish::finish) at its end, on its own thread: for
    /// [`into_summaries`](Pool::into_summaries).
    ///
    /// # Panics
    ///
    /// After the first map or [`build_now`](Pool::build_now).
    #[track_caller]
    pub fn with_summaries(mut self) -> Pool<Summing<S>, W, B>
    where
        W: Finish,
        W::Summary: Send + 'static,
        B: Reusable<Summing<S>, W>,
    {
        let (specs, backend) = self.plan("with_summaries");
        self.summaries = Some(Arc::default());
        self.with(State::Ready(specs.into_iter().map(Summing).collect(), backend))
    }

    /// As [`finish`](Pool::finish), and gives what each worker left, as
    /// [`ParStateful::into_summaries`](crate::ParStateful::into_summaries) does for a run: of all maps
    /// together. Empty without [`with_summaries`](Pool::with_summaries).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::Pool;
    /// use mtask::prelude::*;
    ///
    /// struct Sum(u32);
    ///
    /// #[delayed_init]
    /// impl Sum {
    ///     fn new() -> Self {
    ///         Self(0)
    ///     }
    ///
    ///     fn call(&mut self, x: u32) {
    ///         self.0 += x;
    ///     }
    ///
    ///     fn finish(self) -> u32 {
    ///         self.0
    ///     }
    /// }
    ///
    /// let mut pool = Pool::new(Sum::spec().times(2)).with_summaries();
    /// pool.map([1, 2]).for_each(drop);
    /// pool.map([3, 4]).for_each(drop);
    /// let sums = pool.into_summaries().into_iter().map(|(_worker, sum)| sum);
    /// assert_eq!(sums.sum::<Result<u32, _>>()?, 10);
    /// # Ok::<(), TaskError>(())
    /// ```
    #[must_use = "what a worker left may be an error"]
    pub fn into_summaries(mut self) -> Vec<(usize, Result<W::Summary, TaskError>)>
    where
        W: Finish,
        W::Summary: Send + 'static,
    {
        self.end(true);
        self.summaries.take().map(|summaries| summaries.take()).unwrap_or_default()
    }

    /// Ends the pool: drops each worker on its own thread and joins all threads, also one that sits inside
    /// the source of a map which was left early.
    pub fn finish(mut self) {
        self.end(true);
    }

    /// What is kept, from now on.
    fn kept(&mut self) -> &mut B::Kept {
        self.state = match mem::replace(&mut self.state, State::Done) {
            State::Ready(specs, backend) => {
                State::Kept(backend.keep(specs, self.summaries.clone()))
            }
            state => state,
        };
        match &mut self.state {
            State::Kept(kept) => kept,
            _ => unreachable!("a pool that is done is not used any more"),
        }
    }

    /// What was given, for another pool.
    #[track_caller]
    fn plan(&mut self, option: &str) -> (Vec<S>, B) {
        let is_ready = matches!(self.state, State::Ready(..));
        assert!(
            is_ready,
            "mtask: `Pool::{option}` came after the first map or `build_now`: set it before"
        );
        match mem::replace(&mut self.state, State::Done) {
            State::Ready(specs, backend) => (specs, backend),
            _ => unreachable!("it was just looked at"),
        }
    }

    /// The rest of it, as of another pool.
    fn with<S2, B2: Reusable<S2, W>>(&mut self, state: State<S2, B2, B2::Kept>) -> Pool<S2, W, B2> {
        let Self { workers, limits, ref mut summaries, .. } = *self;
        Pool { state, workers, limits, summaries: summaries.take() }
    }

    fn end(&mut self, whole: bool) {
        if let State::Kept(mut kept) = mem::replace(&mut self.state, State::Done) {
            B::end(&mut kept, self.limits, whole);
        }
    }
}

impl<S, W: Worker, B: Reusable<S, W>> Drop for Pool<S, W, B> {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl<S, W: Worker, B: Reusable<S, W>> fmt::Debug for Pool<S, W, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("workers", &self.workers)
            .field("shutdown_timeout", &self.limits.shutdown)
            .field("finish_timeout", &self.limits.finish)
            .field("with_summaries", &self.summaries.is_some())
            .finish_non_exhaustive()
    }
}
