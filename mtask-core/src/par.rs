//! The front: what a user calls and what comes back.

mod options;
mod start;

pub(crate) use start::specs_of;
pub use start::{ParMap, ParStatefulExt, par_map, par_stateful, par_stateful_local};

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::mem;
use std::panic::resume_unwind;
use std::time::Duration;

use crate::backend::{Backend, Finished, Job, Launch, Options, Team};
use crate::bridge::StopWhen;
use crate::inline::Inline;
#[cfg(feature = "progress")]
use crate::progress::{ProgressOptions, Reporter};
use crate::stage::Stage;
use crate::stats::Counters;
use crate::sync::Arc;
use crate::threads::{Local, Threads};
use crate::{Stats, TaskError, Worker};

/// The results of an iterator's items at a set of workers: a lazy, bounded, ordered iterator.
///
/// Made by [`par_stateful`]. Its items are `Result<W::Output, TaskError>`: the outer error is the
/// engine's (a panic, a failed build), while an error of the worker's own is in its output, whole.
/// `??` says both. Options are methods that take and return the iterator, before its first item.
///
/// Dropping it early cancels: nothing more is pulled, what is in hand finishes, and every thread
/// is joined but one that is inside the source, which is waited for at most 10 ms and then left to
/// end by itself.
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
    state: State<I, S, W, B>,
    /// The source's hint at the start.
    hint: (usize, Option<usize>),
    /// How many items of it were yielded since.
    yielded: usize,
    counters: Arc<Counters>,
    #[cfg(feature = "progress")]
    progress: Option<ProgressOptions>,
    #[cfg(feature = "progress")]
    reporter: Option<Reporter>,
}

/// A run over a source that stays with the consumer; made by [`par_stateful_local`].
pub type ParStatefulLocal<I, S, W> = ParStateful<I, S, W, Local>;

/// A run on the caller's thread; made by [`ParStateful::inline`].
pub type ParStatefulInline<I, S, W> = ParStateful<I, S, W, Inline>;

enum State<I: Iterator, S, W: Worker<Input = I::Item>, B: Backend> {
    /// Nothing has happened yet.
    Ready(Box<Plan<I, S, W, B>>),
    Running(B::Run<I, S, W>),
    /// The end, with nothing left behind.
    Done,
}

/// All that a run needs to start.
struct Plan<I, S, W: Worker, B> {
    source: I,
    specs: Vec<S>,
    backend: B,
    options: Options<W::Output>,
    build_now: bool,
    timeout: Option<Duration>,
    stage: Stage,
    worker: PhantomData<fn() -> W>,
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    pub(crate) fn new(source: I, specs: Vec<S>, backend: B) -> Self {
        let plan = Plan {
            source,
            specs,
            backend,
            options: Options::default(),
            build_now: false,
            timeout: None,
            stage: Stage::new(),
            worker: PhantomData,
        };
        Self {
            state: State::Ready(Box::new(plan)),
            hint: (0, None),
            yielded: 0,
            counters: Arc::default(),
            #[cfg(feature = "progress")]
            progress: None,
            #[cfg(feature = "progress")]
            reporter: None,
        }
    }

    /// True once `next()` has returned `None`: nothing is left running.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What happened to the workers so far.
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    pub(crate) fn tasks_hint(&self) -> (usize, Option<usize>) {
        match &self.state {
            State::Ready(plan) => plan.source.size_hint(),
            State::Running(_) => {
                let (least, most) = self.hint;
                let left = |hint: usize| hint.saturating_sub(self.yielded);
                (left(least), most.map(left))
            }
            State::Done => (0, Some(0)),
        }
    }

    /// Counts an item that failed after it was yielded as a success.
    pub(crate) fn count_error(&self) {
        #[cfg(feature = "progress")]
        if let Some(reporter) = &self.reporter {
            reporter.error();
        }
    }

    /// Counts an item on its way out.
    #[inline(always)]
    fn count(&mut self, finished: &Finished<W::Output>) {
        if finished.index.is_some() {
            self.yielded += 1;
        } else {
            // An error in place of the run: nothing comes after it.
            self.hint = (0, Some(0));
        }
        #[cfg(feature = "progress")]
        if let Some(reporter) = &self.reporter {
            if finished.result.is_err() {
                reporter.error();
            }
            reporter.item();
        }
    }
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Launch<I, S, W>,
{
    /// Starts the run where it has not started yet.
    fn launch(&mut self, eager: bool) {
        let State::Ready(plan) = mem::replace(&mut self.state, State::Done) else {
            unreachable!("only a run that is ready is launched")
        };
        self.hint = plan.source.size_hint();
        #[cfg(feature = "progress")]
        if let Some(options) = self.progress.take() {
            let length = self.hint.1.filter(|&most| most == self.hint.0);
            self.reporter = Some(Reporter::start(options, length.map(|length| length as u64)));
        }
        let Plan { source, specs, backend, options, build_now, timeout, stage, worker } = *plan;
        let team = Team { specs, counters: Arc::clone(&self.counters), build_now, timeout };
        let job = Job { source, team, options, stage, worker };
        self.state = State::Running(backend.launch(job, eager));
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
        let finished = B::ready(run)?;
        self.count(&finished);
        Some(finished)
    }

    /// The next result, where it may take a while.
    #[cold]
    fn look(&mut self) -> Option<Finished<W::Output>> {
        if let State::Ready(_) = self.state {
            self.launch(false);
        }
        let State::Running(run) = &mut self.state else { return None };
        let finished = match B::next(run) {
            Ok(Some(finished)) => finished,
            Ok(None) => {
                self.state = State::Done;
                #[cfg(feature = "progress")]
                if let Some(reporter) = self.reporter.take() {
                    reporter.finish();
                }
                return None;
            }
            Err(payload) => {
                self.state = State::Done;
                #[cfg(feature = "progress")]
                drop(self.reporter.take());
                resume_unwind(payload);
            }
        };
        self.count(&finished);
        Some(finished)
    }

    pub(crate) fn stop_when(&mut self, stop: StopWhen<W::Output>) {
        match &mut self.state {
            State::Ready(plan) => plan.options.stop_when = Some(stop),
            State::Running(run) => B::stop_when(run, stop),
            State::Done => {}
        }
    }
}

impl<I, S, W, B> Iterator for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Launch<I, S, W>,
{
    type Item = Result<W::Output, TaskError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(finished) = self.ready_task() {
            return Some(finished.result);
        }
        Some(self.look()?.result)
    }

    /// The items still to be yielded, those in flight included.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.tasks_hint()
    }
}

impl<I, S, W, B> ExactSizeIterator for ParStateful<I, S, W, B>
where
    I: ExactSizeIterator,
    W: Worker<Input = I::Item>,
    B: Launch<I, S, W>,
{
}

impl<I, S, W, B> FusedIterator for ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Launch<I, S, W>,
{
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
            .field("hint", &self.tasks_hint())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
