//! The options of a run.

use std::time::Duration;

use super::{ParStateful, State};
use crate::backend::{Backend, Blocking, Concurrent, Finishing, Inline, Replaceable, Start};
use crate::messages::Repeatable;
#[cfg(feature = "progress")]
use crate::observe::progress::ProgressOptions;
use crate::run::policy::{Again, Summaries};
use crate::spec::Summing;
use crate::sync::Arc;
use crate::{Finish, Retry, Spec, Worker};

/// Options of every run.
///
/// # Panics
///
/// Each of these panics once the run has started: options come before the first item.
impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// Builds every worker at the start, before an item is pulled and even if none turns out to come.
    ///
    /// If one cannot be built in three attempts, or as many as [`build_retry`](ParStateful::build_retry) allows, the first item is that error, with no index, and then nothing.
    /// Without this a worker is built when it takes its first item.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Spec, TaskErrorKind, init_fn, par_stateful};
    ///
    /// let spec = init_fn(|| {
    ///     let model = std::fs::read("no/such/model")?;
    ///     Ok::<_, std::io::Error>(move |x: usize| model[x])
    /// });
    /// let mut results = par_stateful(0..1_000, spec.times(2)).build_now();
    /// let error = results.next().unwrap().unwrap_err();
    /// assert_eq!(error.kind(), TaskErrorKind::BuildFailed);
    /// assert_eq!(error.index(), None);
    /// assert!(results.next().is_none());
    /// ```
    #[track_caller]
    pub fn build_now(mut self) -> Self {
        self.plan("build_now").build_now = true;
        self
    }

    /// Tries an item that failed again, up to `n` times, on the same worker. Without this an item is run at
    /// most once.
    ///
    /// Tried again are panics, after each of which the worker is rebuilt, and with
    /// [`flatten_errors`](ParStateful::flatten_errors) the worker's own errors; without it they are outputs like any
    /// other. Not tried again are processes that are lost or
    /// ended at a time limit. The input is cloned for each attempt but the last. How often an item was begun
    /// is in the error ([`attempts`](crate::TaskError::attempts)), and for a worker that asks in its
    /// [`Context`](crate::Context::attempt). While it is tried again nothing behind it is held up but what
    /// order and window hold up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use mtask::par_map;
    ///
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    /// let fetch = |page: u32| match CALLS.fetch_add(1, Ordering::Relaxed) {
    ///     0 | 1 => Err("no connection"),
    ///     _ => Ok(page * 10),
    /// };
    /// let mut pages = par_map([7], 1, fetch).retries(3).flatten_errors();
    /// assert_eq!(pages.next().unwrap()?, 70);
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    #[track_caller]
    pub fn retries(self, n: usize) -> Self
    where
        W::Input: Repeatable,
    {
        self.try_again("retries", Retry::times(n))
    }

    /// As [`retries`](ParStateful::retries), with pauses between the attempts: see [`Retry`]. The worker has no
    /// other item meanwhile. An early end and a cancel end the pause, and the item is not tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mtask::prelude::*;
    ///
    /// let fetch = |page: u32| if page == 1 { Err("no connection") } else { Ok(page) };
    /// let retry = Retry::times(3).delay(Duration::from_millis(1)).backoff(2.0);
    /// let mut pages = par_map(0..2, 1, fetch).retry(retry).flatten_errors();
    /// assert_eq!(pages.next().unwrap()?, 0);
    /// let error = pages.next().unwrap().unwrap_err();
    /// assert_eq!(error.attempts(), 4);
    /// # Ok::<(), TaskError>(())
    /// ```
    #[track_caller]
    pub fn retry(self, retry: Retry) -> Self
    where
        W::Input: Repeatable,
    {
        self.try_again("retry", retry)
    }

    #[track_caller]
    fn try_again(mut self, option: &str, retry: Retry) -> Self
    where
        W::Input: Repeatable,
    {
        let again = Again { retry, copy: Clone::clone, flatten: |output, _| Ok(output) };
        let is_any = retry.most() > 0;
        self.plan(option).care.again = is_any.then_some(again);
        self.retries = is_any;
        self
    }

    /// Says how often a worker that could not be built is built again, and after which pauses.
    ///
    /// A failed build costs no item. Without this it is made again after pauses of 0.1 s that double to 30 s, for as
    /// long as another worker of the run is built or being built. Where none is, the run ends with
    /// [`NoWorkerLeft`](crate::TaskErrorKind::NoWorkerLeft) once each worker has failed three times in a row, and, if
    /// one ever was built, not before 60 s without any.
    ///
    /// With it the pauses are those of `retry`, and the run ends, when no worker is built, once each has failed in a
    /// row as often as `retry` has attempts: one more than its [`times`](Retry::times). While another worker is
    /// built there is no end to the attempts; after as many as that, none comes sooner than it would without this
    /// option.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::Duration;
    ///
    /// use mtask::prelude::*;
    ///
    /// static BUILDS: AtomicU32 = AtomicU32::new(0);
    /// let spec = init_fn(|| match BUILDS.fetch_add(1, Ordering::Relaxed) {
    ///     0..4 => Err("the licence server is busy"),
    ///     _ => Ok(|x: u32| x + 1),
    /// });
    /// let retry = Retry::times(20).delay(Duration::from_millis(1)).max_delay(Duration::from_secs(5));
    /// let results = par_stateful(0..3, spec.times(1)).build_retry(retry);
    /// assert_eq!(results.collect::<Result<Vec<_>, _>>()?, [1, 2, 3]);
    /// # Ok::<(), TaskError>(())
    /// ```
    #[track_caller]
    pub fn build_retry(mut self, retry: Retry) -> Self {
        self.plan("build_retry").care.build_retry = Some(retry);
        self
    }

    /// Builds each worker anew after `n` items, for a library that leaks or a state that drifts. An item that is
    /// [tried again](ParStateful::retries) counts each time. With
    /// [`Processes`](crate::Processes) its process is started anew.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Spec, init_fn, par_stateful};
    ///
    /// let spec = init_fn(|| {
    ///     let mut seen = 0;
    ///     Ok::<_, std::convert::Infallible>(move |_: u32| {
    ///         seen += 1;
    ///         seen
    ///     })
    /// });
    /// let seen = par_stateful(0..6, spec.times(1)).lifespan(2).propagate_panics();
    /// assert_eq!(seen.collect::<Vec<_>>(), [1, 2, 1, 2, 1, 2]);
    /// ```
    #[track_caller]
    pub fn lifespan(mut self, n: usize) -> Self {
        assert!(n > 0, "mtask: `.lifespan(0)` leaves no time for an item: give at least 1");
        self.plan("lifespan").care.lifespan = Some(n);
        self
    }

    /// Has each worker [finished](Finish::finish) at its end, on its own thread, be that the end of the run, an
    /// early drop or the end of its [`lifespan`](ParStateful::lifespan): for
    /// [`into_summaries`](ParStateful::into_summaries).
    #[track_caller]
    pub fn with_summaries(mut self) -> ParStateful<I, Summing<S>, W, B>
    where
        W: Finish,
        W::Summary: Send + 'static,
        B: Finishing,
    {
        let summaries = Arc::new(Summaries::default());
        self.summaries = Some(Arc::clone(&summaries));
        self.plan("with_summaries").care.summaries = Some(summaries);
        self.replan(|specs, backend| (specs.into_iter().map(Summing).collect(), backend))
    }

    /// Shows a progress bar with this message, on standard error.
    ///
    /// The length is the source's where its [`size_hint`](Iterator::size_hint) is exact, or that of
    /// [`ProgressOptions::length`]. Where standard error is no terminal, plain lines are written
    /// instead. Errors are counted as they pass: every [`TaskError`](crate::TaskError), and after
    /// [`flatten_errors`](ParStateful::flatten_errors) those of the workers themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x + 1).progress("adding");
    /// assert_eq!(results.propagate_panics().sum::<u32>(), 55);
    /// ```
    #[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
    #[cfg(feature = "progress")]
    #[track_caller]
    pub fn progress(self, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.show("progress", ProgressOptions::new(message))
    }

    /// Shows a progress bar with these options, or a bar of the caller's own, which may be part
    /// of a [`MultiProgress`](indicatif::MultiProgress).
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{ProgressOptions, par_map};
    ///
    /// let options = ProgressOptions::new("adding").unit("numbers").leave(false);
    /// let results = par_map(0..10, 2, |x: u32| x + 1).progress_with(options);
    /// assert_eq!(results.propagate_panics().sum::<u32>(), 55);
    /// ```
    #[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
    #[cfg(feature = "progress")]
    #[track_caller]
    pub fn progress_with(self, options: impl Into<ProgressOptions>) -> Self {
        self.show("progress_with", options.into())
    }

    #[cfg(feature = "progress")]
    #[track_caller]
    fn show(mut self, option: &str, options: ProgressOptions) -> Self {
        self.plan(option);
        self.account.progress = Some(options);
        self
    }

    /// Runs the first spec's worker on the caller's own thread: no threads at all, for a debugger
    /// or a profiler.
    ///
    /// Each `next()` pulls exactly one item. A run that started from
    /// [`par_stateful_local`](crate::par_stateful_local) asks for no `Send` then, of source, items
    /// or outputs. Options
    /// that choose an order or a window are met as they are: one item is in flight, in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// use mtask::{Spec, par_stateful_local, worker_fn};
    ///
    /// let items = [Rc::new(1), Rc::new(2)]; // neither items nor outputs can be sent
    /// let specs = worker_fn(|x: Rc<i32>| Rc::new(*x + 1)).times(4);
    /// let mut results = par_stateful_local(items, specs).inline();
    /// assert_eq!(results.next().unwrap()?, Rc::new(2));
    /// # Ok::<(), mtask::TaskError>(())
    /// ```
    ///
    /// The type is another one; a choice at run time goes behind a box:
    ///
    /// ```
    /// use mtask::{TaskError, par_map};
    ///
    /// let debug = std::env::var_os("DEBUG").is_some();
    /// let run = par_map(0..3, 2, |x: u32| x);
    /// let results: Box<dyn Iterator<Item = Result<u32, TaskError>>> =
    ///     if debug { Box::new(run.inline()) } else { Box::new(run) };
    /// assert_eq!(results.flatten().sum::<u32>(), 3);
    /// ```
    #[track_caller]
    pub fn inline(self) -> ParStateful<I, S, W, Inline>
    where
        S: Spec<W>,
        B: Blocking,
    {
        self.on("inline", Inline::default())
    }

    /// Runs the workers in another place. Who pulls the source stays as it is: the workers, or the consumer of a
    /// [local](crate::par_stateful_local) source or of a stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::threads::Threads;
    /// use mtask::{Spec, par_stateful, worker_fn};
    ///
    /// let results = par_stateful(0..3, worker_fn(|x: u32| x).times(2)).backend(Threads::new());
    /// assert_eq!(results.propagate_panics().sum::<u32>(), 3);
    /// ```
    #[track_caller]
    pub fn backend<C>(self, backend: C) -> ParStateful<I, S, W, B::With<C>>
    where
        B: Replaceable,
        C: Concurrent,
        B::With<C>: Start<I, S, W>,
    {
        self.on("backend", B::with(backend))
    }

    #[track_caller]
    fn on<B2: Backend>(mut self, option: &str, backend: B2) -> ParStateful<I, S, W, B2> {
        self.plan(option);
        self.replan(|specs, _| (specs, backend))
    }
}

/// Options of runs whose workers run beside the consumer.
///
/// # Panics
///
/// Each of these panics once the run has started: options come before the first item.
impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// Yields results as they are finished, not in input order.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let mut doubled: Vec<u32> =
    ///     par_map(0..100, 3, |x: u32| 2 * x).unordered().propagate_panics().collect();
    /// doubled.sort();
    /// assert!(doubled.into_iter().eq((0..100).map(|x| 2 * x)));
    /// ```
    #[track_caller]
    pub fn unordered(mut self) -> Self
    where
        B: Concurrent,
    {
        self.plan("unordered").options.ordered = false;
        self
    }

    /// Bounds the items in flight: those pulled from the source and not yet used up by the
    /// consumer, whatever state they are in. An item counts until the consumer comes back for the
    /// next one, so that an observer never sees the bound broken.
    ///
    /// Without it the window adapts: it begins with 16 items for each worker, grows while items
    /// are cheap, to 8 ms of work for each worker, 4,096 items and 2 MiB of them at most (or 16 for
    /// each worker, if that is more), and grows only by what the consumer has taken. A first item
    /// that stalls meets a small window. What items own, as a `String` its text, is not counted; where
    /// they or their results may own something, because they have a destructor, 2,048 are the most.
    ///
    /// A larger window keeps workers busy behind a slow item, at the price of as many items and
    /// results in memory. Set it where items are large: to the memory you can spare, divided by
    /// the size of an item and its output. Cheap large items are the case to think of, such as
    /// files that are read ahead: 2,048 of 1 MiB are 2 GiB. Fewer than there are workers leave
    /// some of them idle.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..100, 2, |x: u32| x).max_in_flight(8);
    /// assert_eq!(results.propagate_panics().count(), 100);
    /// ```
    #[track_caller]
    pub fn max_in_flight(mut self, n: usize) -> Self
    where
        B: Concurrent,
    {
        assert!(n > 0, "mtask: `.max_in_flight(0)` lets no item through: give at least 1");
        self.plan("max_in_flight").options.window = Some(n);
        self
    }

    /// Lifts the bound: the whole source may be in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..100, 2, |x: u32| x).unbounded();
    /// assert_eq!(results.propagate_panics().count(), 100);
    /// ```
    #[track_caller]
    pub fn unbounded(mut self) -> Self
    where
        B: Concurrent,
    {
        self.plan("unbounded").options.window = Some(usize::MAX);
        self
    }

    /// Rarely needed: sets the most items that a worker claims at a time, and pulls in one turn at
    /// the source. Without it claims adapt: to as many items as take a millisecond, 2,048 at most, and no
    /// more than the worker's share of the window. `chunk_size(1)` has every item pulled,
    /// claimed and run by itself.
    ///
    /// Whatever the size, what a worker has claimed and not begun is open to workers that have
    /// nothing to do, and a result is handed over without waiting for the rest of its claim. Items are pulled
    /// ahead of need only while they take less than 30 µs: a more expensive one is pulled when a worker is
    /// there to run it. One worker alone in its thread pulls items one by one, since nobody else could run what
    /// it holds while the source blocks; so does every worker until it is built.
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..100, 2, |x: u32| x).chunk_size(16);
    /// assert_eq!(results.propagate_panics().count(), 100);
    /// ```
    #[track_caller]
    pub fn chunk_size(mut self, n: usize) -> Self
    where
        B: Concurrent,
    {
        assert!(n > 0, "mtask: `.chunk_size(0)` claims nothing: give at least 1");
        self.plan("chunk_size").options.chunk = Some(n);
        self
    }

    /// Bounds the wait at an early end: a drop before the end, as by `?` or a panic of the consumer.
    ///
    /// What is in progress is waited for at most this long, and so is what comes after it: destructors and
    /// [`Finish`]. A thread that has not ended by then is left to end by itself; a process is killed, with all that
    /// it has started. Without it threads are waited for, however long that takes, since they cannot be killed;
    /// and processes for 5 s, or as [`Processes::shutdown_timeout`](crate::Processes::shutdown_timeout) says.
    /// Where a wait takes longer than 5 s, the bar and an event of `tracing` say for which worker, and for which
    /// item it has in progress.
    ///
    /// The end of a run that has yielded everything, be that after a [`cancel`](crate::CancelHandle::cancel), has no
    /// limit by this: see [`finish_timeout`](ParStateful::finish_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread::sleep;
    /// use std::time::Duration;
    ///
    /// use mtask::par_map;
    ///
    /// let mut results = par_map([0, 60_000], 2, |ms: u64| sleep(Duration::from_millis(ms)))
    ///     .shutdown_timeout(Duration::from_millis(10));
    /// results.next();
    /// drop(results); // does not wait a minute
    /// ```
    #[track_caller]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self
    where
        B: Concurrent,
    {
        self.plan("shutdown_timeout").limits.shutdown = Some(timeout);
        self
    }

    /// Bounds the wait for workers to end once everything has been yielded: for their destructors and their
    /// [`Finish`], at the end of the source or after a [`cancel`](crate::CancelHandle::cancel). Without it they are
    /// waited for, however long that takes.
    ///
    /// A thread that has not ended by then is left to end by itself, and a process is killed. Among the
    /// [summaries](ParStateful::into_summaries) there is an error of the kind
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut) for each worker that has left none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread::sleep;
    /// use std::time::Duration;
    ///
    /// use mtask::prelude::*;
    ///
    /// struct Slow;
    ///
    /// #[delayed_init]
    /// impl Slow {
    ///     fn new() -> Self {
    ///         Self
    ///     }
    ///
    ///     fn call(&mut self, x: u32) -> u32 {
    ///         x
    ///     }
    ///
    ///     fn finish(self) {
    ///         sleep(Duration::from_secs(60)); // a server that does not answer
    ///     }
    /// }
    ///
    /// let limit = Duration::from_millis(10);
    /// let mut run = par_stateful([1], [Slow::spec()]).with_summaries().finish_timeout(limit);
    /// assert_eq!(run.by_ref().count(), 1);
    /// assert_eq!(run.ended(), Some(Ended::Complete));
    /// for (worker, summary) in run.into_summaries() {
    ///     let error = summary.unwrap_err();
    ///     assert_eq!((worker, error.kind()), (0, TaskErrorKind::TimedOut));
    /// }
    /// ```
    #[track_caller]
    pub fn finish_timeout(mut self, timeout: Duration) -> Self
    where
        B: Concurrent,
    {
        self.plan("finish_timeout").limits.finish = Some(timeout);
        self
    }

    /// Starts the run now, and not at the first `next()`. Does nothing to one that has started.
    ///
    /// What the run is to do with errors is said before: `.start()` stands behind every adaptor too, as in
    /// `.retries(3).flatten_errors().start()`.
    ///
    /// A source whose `size_hint` does not promise an item gets its threads too, even if it turns
    /// out to be empty: it is not asked before they run.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::par_map;
    ///
    /// let results = par_map(0..10, 2, |x: u32| x).start();
    /// // ... and while something else is done here, the window fills up.
    /// assert_eq!(results.propagate_panics().count(), 10);
    /// ```
    pub fn start(mut self) -> Self
    where
        B: Start<I, S, W> + Concurrent,
    {
        self.start_now();
        self
    }

    pub(crate) fn start_now(&mut self)
    where
        B: Start<I, S, W>,
    {
        if let State::Ready(_) = self.state {
            self.launch(true);
        }
    }
}
