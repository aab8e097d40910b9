//! The front: what a user calls and what comes back.

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
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use crate::backend::threads::Threads;
use crate::backend::{Backend, Inline, Local, Run, Start};
use crate::bridge::{Finished, StopWhen};
use crate::error::PanicPayload;
#[cfg(feature = "progress")]
use crate::observe::progress::{ProgressOptions, Reporter};
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::run::control::Control;
use crate::run::job::{Job, Next, Team};
use crate::run::policy::{Flatten, Summaries};
use crate::sync::Arc;
use crate::{CancelHandle, Ended, Stats, TaskError, TaskErrorKind, Worker};

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
    /// The source's hint at the start.
    hint: (usize, Option<usize>),
    /// How many items of it were yielded since.
    yielded: usize,
    /// Shared with the threads that work at the run.
    alive: Arc<()>,
    /// By which the run can be ended from outside.
    control: Arc<Control>,
    /// After the state, so that a run is there until it has ended.
    left: Left,
    times: Times,
    /// Shared with the workers, once they are there.
    counters: Option<Arc<Counters>>,
    /// Items that fail are tried again.
    retries: bool,
    /// Items that were yielded as errors, or turned out to be.
    errors: usize,
    /// An item has failed for want of a worker.
    lost: bool,
    /// An item has failed because the run was aborted.
    aborted: bool,
    summaries: Option<Arc<Summaries>>,
    #[cfg(feature = "progress")]
    progress: Option<ProgressOptions>,
    #[cfg(feature = "progress")]
    reporter: Option<Reporter>,
}

/// A run over a source that stays with the consumer; made by [`par_stateful_local`].
pub type ParStatefulLocal<I, S, W, B = Threads> = ParStateful<I, S, W, Local<B>>;

/// A run on the caller's thread; made by [`ParStateful::inline`].
pub type ParStatefulInline<I, S, W> = ParStateful<I, S, W, Inline>;

/// Notes that a run was left, unless it has come to an end.
struct Left(Arc<Control>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.end(left_by(&self.0));
    }
}

/// How a run ended that was left.
fn left_by(control: &Control) -> Ended {
    if control.is_cut_off() { Ended::Aborted } else { Ended::Stopped }
}

/// The clock of a run.
#[derive(Clone, Copy, Default)]
struct Times {
    start: Option<Instant>,
    /// From start to end, once it has ended.
    elapsed: Option<Duration>,
    /// When a task that awaits began to wait for what it waits for.
    #[cfg(feature = "stream")]
    asked: Option<Instant>,
    /// How long the consumer was inside `next()` with nothing at hand.
    waited: Duration,
    /// The most items that were allowed to be in flight, and the most that were.
    in_flight: (usize, usize),
}

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
        let control = Arc::new(Control::new());
        Self {
            trace: trace::Run::new(),
            state: State::Ready(Box::new(plan)),
            hint: (0, None),
            yielded: 0,
            alive: Arc::default(),
            left: Left(Arc::clone(&control)),
            control,
            times: Times::default(),
            counters: None,
            retries: false,
            errors: 0,
            lost: false,
            aborted: false,
            summaries: None,
            #[cfg(feature = "progress")]
            progress: None,
            #[cfg(feature = "progress")]
            reporter: None,
        }
    }

    /// True once `next()` has returned `None` and nothing is left running.
    ///
    /// With a [`finish_timeout`](ParStateful::finish_timeout), or where a thread was left inside the source,
    /// that may be a while after the `None`: not before every worker and the source have been dropped.
    pub fn is_finished(&self) -> bool {
        self.has_ended() && Arc::strong_count(&self.alive) == 1
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
        self.control.ended()
    }

    /// Notes how the run has ended, and has the bar say so.
    fn end(&mut self, ended: Ended) {
        self.control.end(ended);
        #[cfg(feature = "progress")]
        if let Some(reporter) = self.reporter.take() {
            reporter.finish(ended);
        }
    }

    /// A handle that ends this run in order, from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { control: Arc::clone(&self.control), trace: self.trace.handle() }
    }

    /// Counts an item that failed after it was yielded as a success, of which no worker knows.
    pub(crate) fn count_error(&mut self, worker: Option<usize>) {
        self.errors += 1;
        if let (Some(counters), Some(worker)) = (&self.counters, worker) {
            counters.worker(worker).failed();
        }
        #[cfg(feature = "progress")]
        if let Some(reporter) = &self.reporter {
            reporter.error();
        }
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

    /// Counts an item that failed, on its way out.
    #[cold]
    #[inline(never)]
    fn count_failed(&mut self, is_item: bool, error: TaskError) -> TaskError {
        self.count_item(is_item, true);
        self.note_ending(is_item, &error);
        error
    }

    /// Notes an error that says how the run ends.
    fn note_ending(&mut self, is_item: bool, error: &TaskError) {
        match error.kind() {
            TaskErrorKind::NoWorkerLeft if is_item => self.lost = true,
            TaskErrorKind::Aborted => self.aborted = true,
            // It stands for the run: nothing comes after it.
            _ if !is_item => self.end(Ended::StartFailed),
            _ => {}
        }
    }

    /// Counts an item on its way out.
    #[inline(always)]
    fn count_item(&mut self, is_item: bool, failed: bool) {
        if is_item {
            self.yielded += 1;
        } else {
            // An error in place of the run: nothing comes after it.
            self.hint = (0, Some(0));
        }
        if failed {
            self.errors += 1;
        }
        #[cfg(feature = "progress")]
        if let Some(reporter) = &mut self.reporter {
            if failed {
                reporter.error();
            }
            if is_item {
                reporter.item();
            }
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
        self.hint = plan.source.size_hint();
        let Plan { source, specs, backend, options, care, build_now, limits, stage, worker } =
            *plan;
        let counters = Arc::new(Counters::new(specs.len()));
        (self.counters, self.times.start) = (Some(Arc::clone(&counters)), Some(Instant::now()));
        #[cfg(feature = "progress")]
        if let Some(options) = self.progress.take() {
            let length = self.hint.1.filter(|&most| most == self.hint.0);
            let length = length.map(|length| length as u64);
            let control = Arc::clone(&self.control);
            let reporter = Reporter::start(
                options,
                length,
                Arc::clone(&counters),
                Box::new(move || control.ending()),
            );
            if let Some(room) = reporter.room() {
                self.control.make_room(room);
            }
            self.reporter = Some(reporter);
        }
        let is_inline = B::KIND == Inline::KIND;
        let (workers, window) =
            if is_inline { (1, Some(1)) } else { (specs.len(), options.window) };
        let trace = self.trace.begin(B::KIND, workers, window, options.ordered || is_inline);
        let alive = Arc::clone(&self.alive);
        let control = Arc::clone(&self.control);
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
                self.count_item(index.is_some(), false);
                Ok(output)
            }
            Err(error) => Err(self.count_failed(index.is_some(), error)),
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
        let now = Instant::now();
        self.times.waited += now - asked;
        if !matches!(next, Ok(Some(_))) {
            if let State::Running(run) = &self.state {
                self.times.in_flight = run.in_flight();
            }
            self.times.elapsed = self.times.start.map(|start| now - start);
        }
        let finished = match next {
            Ok(Some(finished)) => finished,
            Ok(None) => {
                self.state = State::Done;
                // A cancel that came after the last item was pulled has cut off nothing.
                let whole = self.hint.1 == Some(self.yielded);
                let is_cancelled = self.control.is_closed();
                let is_aborted = self.control.is_cut_off();
                let no_worker = self.control.no_worker().filter(|_| !whole);
                let ended = match no_worker {
                    _ if self.aborted => Ended::Aborted,
                    _ if self.lost => Ended::NoWorkerLeft,
                    Some(_) if !is_cancelled && !is_aborted => Ended::NoWorkerLeft,
                    _ if is_cancelled && !whole => Ended::Cancelled,
                    _ if is_aborted && !whole => Ended::Aborted,
                    _ => Ended::Complete,
                };
                let rest = no_worker.filter(|_| !is_cancelled && !is_aborted);
                let rest = rest.map(|why| TaskError::no_worker_left(None, Some(why.clone())));
                if rest.is_some() {
                    self.count_item(false, true);
                }
                self.end(ended);
                self.trace.finished(ended, || self.stats());
                return rest.map(|error| Finished {
                    index: None,
                    worker: None,
                    result: Err(error),
                });
            }
            Err(payload) => {
                self.state = State::Done;
                self.end(Ended::SourcePanicked);
                self.trace.source_panicked(PanicPayload::text(&*payload));
                resume_unwind(payload);
            }
        };
        let is_item = finished.index.is_some();
        self.count_item(is_item, finished.result.is_err());
        if let Err(error) = &finished.result {
            self.note_ending(is_item, error);
        }
        Some(finished)
    }

    /// Ends the run before its end, as a drop does, but for what it can tell of itself.
    pub(crate) fn end_early(&mut self) {
        self.trace.left();
        if let State::Running(run) = &self.state {
            self.times.in_flight = run.in_flight();
        }
        self.state = State::Done;
        self.times.elapsed = self.times.elapsed.or(self.times.start.map(|start| start.elapsed()));
        self.end(left_by(&self.control));
    }

    /// What happened so far; after the end, in all of the run.
    ///
    /// Figures of the workers are complete once their claims are: see [`Stats`].
    pub fn stats(&self) -> Stats {
        let Some(counters) = &self.counters else { return Stats::default() };
        let Times { start, elapsed, waited, in_flight, .. } = self.times;
        let elapsed = elapsed.or_else(|| start.map(|start| start.elapsed()));
        let (window, most_in_flight) = match &self.state {
            State::Running(run) => run.in_flight(),
            _ => in_flight,
        };
        Stats {
            yielded: self.yielded,
            errors: self.errors,
            elapsed: elapsed.unwrap_or_default(),
            consumer_waited: waited,
            window,
            most_in_flight,
            ..counters.snapshot()
        }
    }

    /// The items still to be yielded: the source's hint at the start less what was yielded, until it is
    /// known that the run has ended early; then those that were pulled.
    pub(crate) fn tasks_hint(&self) -> (usize, Option<usize>) {
        let run = match &self.state {
            // Nothing is pulled after a cancel or an abort.
            State::Ready(_) if self.control.is_ending() => return (0, Some(0)),
            State::Ready(plan) => return plan.source.size_hint(),
            State::Running(run) => run,
            State::Done => return (0, Some(0)),
        };
        let (least, most) = self.hint;
        let left = |of: usize| of.saturating_sub(self.yielded);
        if most == Some(0) {
            return self.hint;
        }
        let has_no_worker = self.control.no_worker().is_some();
        let is_exact = most == Some(least);
        let is_closed = self.control.is_closed() || self.control.is_aborted() || has_no_worker;
        let pulled = if is_exact || is_closed { run.pulled() } else { None };
        if let Some(pulled) = pulled {
            // One more stands for those that are not pulled for want of workers.
            let rest = has_no_worker
                && !self.control.is_closed()
                && !self.control.is_aborted()
                && most != Some(pulled);
            let left = left(pulled) + usize::from(rest);
            return (left, Some(left));
        }
        // Of a source that says only at least how many it has, fewer may come after a cancel.
        let least = if is_closed && !is_exact { 0 } else { left(least) };
        (least, most.map(left))
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
            .field("yielded", &self.yielded)
            .finish_non_exhaustive()
    }
}
