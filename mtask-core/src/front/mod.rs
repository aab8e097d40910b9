//! The front: what a user calls and what comes back.

mod account;
mod adaptors;
mod functions;
mod iterator;
mod options;
mod plan;
mod pool;
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[cfg(feature = "processes")]
pub mod processes;
mod scope;
#[cfg(feature = "stream")]
mod stream;
pub mod threads;

use account::Account;
#[cfg(feature = "stream")]
pub use adaptors::PollTask;
pub use adaptors::{
    DeferErrors, FlattenErrors, HasRun, NextTask, OptionsComeFirst, PropagatePanics, RunInfo,
    Startable, StopOnError, Summarized, TaskIterator, Tasks,
};
pub use functions::{
    ParMap, ParStatefulExt, ParStatefulOk, ParStatefulTry, par_map, par_stateful,
    par_stateful_local, par_stateful_ok, par_stateful_try,
};
use functions::{asks_for_workers, specs_of};
use plan::Plan;
pub use pool::{Pool, PoolMap};
pub use scope::{Scope, scope};
#[cfg(feature = "stream")]
pub use stream::{ParStatefulStream, ParStatefulStreamExt, par_stateful_stream};

use std::fmt;
use std::mem;
use std::time::Instant;

use crate::backend::threads::Threads;
use crate::backend::{Backend, Inline, Local, Run, Start};
use crate::bridge::{Finished, StopWhen};
use crate::observe::trace;
use crate::run::job::{Job, Next, Team};
use crate::run::policy::{Flatten, Summaries};
use crate::sync::Arc;
use crate::{CancelHandle, Ended, Stats, Worker};

/// The results of an iterator's items at a set of workers: a lazy, bounded, ordered iterator.
///
/// Made by [`par_stateful`]. Its items are `Result<W::Output, TaskError>`: the outer error is the
/// engine's (a panic, a lost process), while an error of the worker's own is in its output, whole.
/// `??` says both. Options are methods that take and return the iterator, before its first item.
///
/// Dropping it early cancels: nothing more is pulled, what is in progress finishes, and every thread
/// is joined but one that is inside the source, which is waited for at most 10 ms and then left to
/// end by itself. [`shutdown_timeout`](ParStateful::shutdown_timeout) bounds that wait, and
/// [`finish_timeout`](ParStateful::finish_timeout) the one for the workers at the end of a whole run.
///
/// # Panics
///
/// `next()` panics where the source does, with the source's own payload, once everything pulled
/// before has been yielded and the workers have ended.
///
/// # Examples
///
/// ```
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let specs = worker_fn(|line: String| line.len()).times(4);
/// let lines = ["one", "three"].map(str::to_owned);
/// for length in par_stateful(lines, specs).max_in_flight(100) {
///     println!("{}", length?);
/// }
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[must_use = "a run is lazy: nothing is pulled, spawned or built until it is iterated"]
pub struct ParStateful<I, S, W, B = Threads>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// Before the state, so that an early end is an event before it is waited for.
    trace: trace::Run,
    state: State<I, S, W, B>,
    /// After the state, so that a run is there until it has ended.
    account: Account,
    /// Items that fail are tried again.
    retries: bool,
    summaries: Option<Arc<Summaries>>,
}

/// A run over a source that stays with the consumer; made by [`par_stateful_local`].
pub type ParStatefulLocal<I, S, W, B = Threads> = ParStateful<I, S, W, Local<B>>;

/// A run on the caller's thread; made by [`ParStateful::inline`].
pub type ParStatefulInline<I, S, W> = ParStateful<I, S, W, Inline>;

enum State<I: Iterator, S, W: Worker<Input = I::Item>, B: Backend> {
    /// Nothing has happened yet.
    Ready(Box<Plan<I, S, W, B>>),
    Running(B::Run<I, S, W>),
    /// The end, with nothing left behind.
    Done,
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    pub(crate) fn new(source: I, specs: Vec<S>, backend: B) -> Self {
        let plan = Plan::new(source, specs, backend);
        Self {
            trace: trace::Run::new(),
            state: State::Ready(Box::new(plan)),
            account: Account::new(),
            retries: false,
            summaries: None,
        }
    }

    /// True once `next()` has returned `None` and nothing is left running.
    ///
    /// With a [`finish_timeout`](ParStateful::finish_timeout), or where a thread was left inside the source,
    /// that may be a while after the `None`: not before every worker and the source have been dropped.
    pub fn is_finished(&self) -> bool {
        self.has_ended() && Arc::strong_count(&self.account.alive) == 1
    }

    /// `next()` has returned `None`.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// How the run ended; `None` until `next()` has returned `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::prelude::*;
    ///
    /// let mut results = par_map(0..10, 2, |x: u64| x * x);
    /// for square in results.by_ref() {
    ///     println!("{}", square?);
    /// }
    /// assert_eq!(results.ended(), Some(Ended::Complete));
    /// # Ok::<(), TaskError>(())
    /// ```
    pub fn ended(&self) -> Option<Ended> {
        self.account.control.ended()
    }

    /// A handle that ends this run in order, from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { control: Arc::clone(&self.account.control), trace: self.trace.handle() }
    }

    /// Counts an item that failed after it was yielded as a success, of which no worker knows.
    pub(crate) fn count_error(&mut self, worker: Option<usize>) {
        self.account.count_error(worker);
    }

    /// Has outputs that are errors tried again, where that was asked for.
    #[track_caller]
    pub(crate) fn flatten_at_workers(&mut self, flatten: Flatten<W::Output>) {
        match &mut self.state {
            State::Ready(plan) => {
                if let Some(again) = &mut plan.care.again {
                    again.flatten = flatten;
                }
            }
            _ => assert!(
                !self.retries,
                "mtask: `.flatten_errors()` came after the run had started, whose retries leave out errors that \
                 a worker returns: put it before, as in `.retries(3).flatten_errors().start()`"
            ),
        }
    }
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Start<I, S, W>,
{
    /// Starts the run where it has not started yet.
    fn launch(&mut self, eager: bool) {
        let State::Ready(plan) = mem::replace(&mut self.state, State::Done) else {
            unreachable!("only a run that is ready is launched")
        };
        let (hint, specs) = (plan.source.size_hint(), plan.specs.len());
        let counters = self.account.start(hint, specs);
        let is_inline = B::KIND == Inline::KIND;
        let (workers, window) = if is_inline { (1, Some(1)) } else { (specs, plan.options.window) };
        let ordered = plan.options.ordered || is_inline;
        let trace = self.trace.begin(B::KIND, workers, window, ordered);
        let alive = Arc::clone(&self.account.alive);
        let control = Arc::clone(&self.account.control);
        let Plan { source, specs, backend, options, care, build_now, limits, stage, worker } =
            *plan;
        let team = Team { specs, care, control, counters, trace, alive, build_now, limits };
        let job = Job { source, team, options, stage, worker };
        self.state = State::Running(backend.start(job, eager));
    }

    /// The next result, with where it comes from.
    #[inline]
    pub(crate) fn next_task(&mut self) -> Option<Finished<W::Output>> {
        match self.ready_task() {
            Some(finished) => Some(finished),
            None => self.look(),
        }
    }

    /// The next result, where it is at hand. Apart from the rest, so that all of it is inlined
    /// where it is used.
    #[inline(always)]
    fn ready_task(&mut self) -> Option<Finished<W::Output>> {
        let State::Running(run) = &mut self.state else { return None };
        let Finished { index, worker, result } = run.ready()?;
        // By each of its two kinds alone, and an error in a place of its own: so that an output need have no
        // place in memory, for the one case that it is none.
        let result = match result {
            Ok(output) => {
                self.account.count_item(index.is_some(), false);
                Ok(output)
            }
            Err(error) => Err(self.account.count_failed(index.is_some(), error)),
        };
        Some(Finished { index, worker, result })
    }

    /// The next result, where it may take a while.
    #[cold]
    fn look(&mut self) -> Option<Finished<W::Output>> {
        let asked = Instant::now();
        if let State::Ready(_) = self.state {
            self.launch(false);
        }
        let State::Running(run) = &mut self.state else { return None };
        let next = run.next();
        self.settle(next, asked)
    }

    /// Notes what the run gave, and when it was asked for it.
    fn settle(&mut self, next: Next<W::Output>, asked: Instant) -> Option<Finished<W::Output>> {
        let now = self.account.waited(asked);
        if let Ok(Some(finished)) = next {
            self.account.count(finished.index.is_some(), finished.result.as_ref().err());
            return Some(finished);
        }
        if let State::Running(run) = &self.state {
            self.account.times.in_flight = run.in_flight();
        }
        self.account.stopped(now);
        self.state = State::Done;
        match next {
            Ok(_) => {
                let error = self.account.finish(&self.trace)?;
                Some(Finished { index: None, worker: None, result: Err(error) })
            }
            Err(payload) => self.account.resume_source_panic(&self.trace, payload),
        }
    }

    /// Ends the run before its end, as a drop does, but for what it can tell of itself.
    pub(crate) fn end_early(&mut self) {
        self.trace.left();
        if let State::Running(run) = &self.state {
            self.account.times.in_flight = run.in_flight();
        }
        self.state = State::Done;
        self.account.end_early();
    }

    /// What happened so far; after the end, in all of the run.
    ///
    /// Figures of the workers are complete once their claims are: see [`Stats`].
    pub fn stats(&self) -> Stats {
        self.account.stats(match &self.state {
            State::Running(run) => Some(run.in_flight()),
            _ => None,
        })
    }

    /// The items still to be yielded: the source's hint at the start less what was yielded, until it is
    /// known that the run has ended early; then those that were pulled.
    pub(crate) fn tasks_hint(&self) -> (usize, Option<usize>) {
        match &self.state {
            // Nothing is pulled after a cancel or an abort.
            State::Ready(_) if self.account.control.is_ending() => (0, Some(0)),
            State::Ready(plan) => plan.source.size_hint(),
            State::Running(run) => self.account.left(&|| run.pulled()),
            State::Done => (0, Some(0)),
        }
    }

    pub(crate) fn stop_when(&mut self, stop: StopWhen<W::Output>) {
        match &mut self.state {
            State::Ready(plan) => plan.options.stop_when = Some(stop),
            State::Running(run) => run.stop_when(stop),
            State::Done => {}
        }
    }
}

impl<I, S, W, B> fmt::Debug for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Ready(_) => "ready",
            State::Running(_) => "running",
            State::Done => "done",
        };
        f.debug_struct("ParStateful")
            .field("state", &state)
            .field("yielded", &self.account.yielded)
            .finish_non_exhaustive()
    }
}
