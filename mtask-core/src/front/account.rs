//! What a run has yielded and how it ended, as far as that depends on neither its items nor its workers.

use std::any::Any;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use crate::error::PanicPayload;
#[cfg(feature = "progress")]
use crate::observe::progress::{ProgressOptions, Reporter};
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::run::control::Control;
use crate::sync::Arc;
use crate::{Ended, Stats, TaskError, TaskErrorKind};

/// What the consumer's side of a run counts and notes; apart from the run, so that a program with many types of
/// runs has this once.
pub(super) struct Account {
    /// The source's hint at the start.
    pub(super) hint: (usize, Option<usize>),
    /// How many items of it were yielded since.
    pub(super) yielded: usize,
    /// Shared with the threads that work at the run.
    pub(super) alive: Arc<()>,
    /// By which the run can be ended from outside.
    pub(super) control: Arc<Control>,
    pub(super) times: Times,
    /// Shared with the workers, once they are there.
    counters: Option<Arc<Counters>>,
    /// Items that were yielded as errors, or turned out to be.
    errors: usize,
    /// An item has failed for want of a worker.
    lost: bool,
    /// An item has failed because the run was aborted.
    aborted: bool,
    #[cfg(feature = "progress")]
    pub(super) progress: Option<ProgressOptions>,
    #[cfg(feature = "progress")]
    reporter: Option<Reporter>,
}

/// Notes that a run was left, unless it has come to an end.
impl Drop for Account {
    fn drop(&mut self) {
        self.control.end(left_by(&self.control));
    }
}

/// How a run ended that was left.
fn left_by(control: &Control) -> Ended {
    if control.is_cut_off() { Ended::Aborted } else { Ended::Stopped }
}

/// The clock of a run.
#[derive(Clone, Copy, Default)]
pub(super) struct Times {
    start: Option<Instant>,
    /// From start to end, once it has ended.
    elapsed: Option<Duration>,
    /// When a task that awaits began to wait for what it waits for.
    #[cfg(feature = "stream")]
    pub(super) asked: Option<Instant>,
    /// How long the consumer was inside `next()` with nothing at hand.
    waited: Duration,
    /// The most items that were allowed to be in flight, and the most that were.
    pub(super) in_flight: (usize, usize),
}

impl Account {
    pub(super) fn new() -> Self {
        Self {
            hint: (0, None),
            yielded: 0,
            alive: Arc::default(),
            control: Arc::new(Control::new()),
            times: Times::default(),
            counters: None,
            errors: 0,
            lost: false,
            aborted: false,
            #[cfg(feature = "progress")]
            progress: None,
            #[cfg(feature = "progress")]
            reporter: None,
        }
    }

    /// The run starts, over a source with this hint.
    pub(super) fn start(&mut self, hint: (usize, Option<usize>), workers: usize) -> Arc<Counters> {
        self.hint = hint;
        let counters = Arc::new(Counters::new(workers));
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
        counters
    }

    /// Notes how the run has ended, and has the bar say so.
    fn end(&mut self, ended: Ended) {
        self.control.end(ended);
        #[cfg(feature = "progress")]
        if let Some(reporter) = self.reporter.take() {
            reporter.finish(ended);
        }
    }

    /// Counts an item that failed after it was yielded as a success, of which no worker knows.
    pub(super) fn count_error(&mut self, worker: Option<usize>) {
        self.errors += 1;
        if let (Some(counters), Some(worker)) = (&self.counters, worker) {
            counters.worker(worker).failed();
        }
        #[cfg(feature = "progress")]
        if let Some(reporter) = &self.reporter {
            reporter.error();
        }
    }

    /// Counts an item that failed, on its way out.
    #[cold]
    #[inline(never)]
    pub(super) fn count_failed(&mut self, is_item: bool, error: TaskError) -> TaskError {
        self.count(is_item, Some(&error));
        error
    }

    /// Counts an item on its way out, with the error that it may be.
    pub(super) fn count(&mut self, is_item: bool, error: Option<&TaskError>) {
        self.count_item(is_item, error.is_some());
        match error.map(TaskError::kind) {
            Some(TaskErrorKind::NoWorkerLeft) if is_item => self.lost = true,
            Some(TaskErrorKind::Aborted) => self.aborted = true,
            // It stands for the run: nothing comes after it.
            Some(_) if !is_item => self.end(Ended::StartFailed),
            _ => {}
        }
    }

    #[inline(always)]
    pub(super) fn count_item(&mut self, is_item: bool, failed: bool) {
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

    /// The run has given something or come to its end, after it was asked for it. Gives the time.
    pub(super) fn waited(&mut self, asked: Instant) -> Instant {
        let now = Instant::now();
        self.times.waited += now - asked;
        now
    }

    /// The run has nothing more to give since `now`.
    pub(super) fn stopped(&mut self, now: Instant) {
        self.times.elapsed = self.times.start.map(|start| now - start);
    }

    /// The run has ended, and everything of it is dropped. Gives the error that comes last, if one does.
    pub(super) fn finish(&mut self, trace: &trace::Run) -> Option<TaskError> {
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
        trace.finished(ended, || self.stats(None));
        rest
    }

    /// The source has panicked, with everything of the run dropped.
    pub(super) fn resume_source_panic(
        &mut self,
        trace: &trace::Run,
        payload: Box<dyn Any + Send>,
    ) -> ! {
        self.end(Ended::SourcePanicked);
        trace.source_panicked(PanicPayload::text(&*payload));
        resume_unwind(payload)
    }

    /// The run was left, and everything of it is dropped.
    pub(super) fn end_early(&mut self) {
        self.times.elapsed = self.times.elapsed.or(self.times.start.map(|start| start.elapsed()));
        self.end(left_by(&self.control));
    }

    /// What happened so far; `in_flight` as in [`Times`], while the run is going on.
    pub(super) fn stats(&self, in_flight: Option<(usize, usize)>) -> Stats {
        let Some(counters) = &self.counters else { return Stats::default() };
        let Times { start, elapsed, waited, .. } = self.times;
        let elapsed = elapsed.or_else(|| start.map(|start| start.elapsed()));
        let (window, most_in_flight) = in_flight.unwrap_or(self.times.in_flight);
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

    /// The items still to be yielded while the run is going on: the source's hint at the start less what was yielded,
    /// until it is known that the run has ended early; then those that were `pulled`.
    pub(super) fn left(&self, pulled: &dyn Fn() -> Option<usize>) -> (usize, Option<usize>) {
        let (least, most) = self.hint;
        let left = |of: usize| of.saturating_sub(self.yielded);
        if most == Some(0) {
            return self.hint;
        }
        let has_no_worker = self.control.no_worker().is_some();
        let is_exact = most == Some(least);
        let is_closed = self.control.is_closed() || self.control.is_aborted() || has_no_worker;
        let pulled = if is_exact || is_closed { pulled() } else { None };
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
}
