//! The end of a run: how long its workers are waited for, and what is reported meanwhile.

use std::fmt;
use std::time::{Duration, Instant};

use super::control::Control;
use super::policy::Summaries;
use crate::TaskError;
use crate::observe::stats::Counters;
use crate::observe::trace::{self, Scope};
use crate::sync::{Arc, Condvar, Mutex, lock, wait_timeout};

/// How long a thread that sits inside the source is waited for.
pub(crate) const SOURCE_GRACE: Duration = Duration::from_millis(10);

/// A wait as long as this is reported, and one twice as long again.
const LONG: Duration = Duration::from_secs(5);

/// How long workers are waited for, as far as the caller has said so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// At an end before its time.
    pub(crate) shutdown: Option<Duration>,
    /// At any other end.
    pub(crate) finish: Option<Duration>,
}

impl Limits {
    /// The limit at an end, and the option that has set it.
    pub(crate) fn at(self, early: bool) -> (Option<Duration>, &'static str) {
        if early { (self.shutdown, "shutdown_timeout") } else { (self.finish, "finish_timeout") }
    }
}

/// The end of one run, seen by what works at it.
pub struct End<'a> {
    /// It comes before everything has been yielded.
    pub(crate) early: bool,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// All are stuck that are left, if they are so many.
    pub(crate) is_stuck: &'a dyn Fn(usize) -> bool,
    /// Reports that it takes long, with the numbers of those that are left.
    pub(crate) report: &'a dyn Fn(&[usize]),
}

impl fmt::Debug for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("early", &self.early).finish_non_exhaustive()
    }
}

impl End<'_> {
    /// Waits until no number is left in `state`, which is looked at whenever it has `changed`; at most for as long
    /// as the end may take from `start` on, and for a moment where all that are left are stuck.
    pub(crate) fn wait<T>(
        &self,
        start: Instant,
        (state, changed): (&Mutex<T>, &Condvar),
        left: impl Fn(&T) -> Vec<usize>,
    ) {
        let mut report_at = LONG;
        let mut guard = lock(state);
        loop {
            let numbers = left(&guard);
            if numbers.is_empty() {
                return;
            }
            let passed = start.elapsed();
            let limit = if (self.is_stuck)(numbers.len()) {
                Some(self.timeout.map_or(SOURCE_GRACE, |limit| limit.min(SOURCE_GRACE)))
            } else {
                self.timeout
            };
            if limit.is_some_and(|limit| passed >= limit) {
                return;
            }
            if passed >= report_at {
                // It may come to a subscriber of the caller's.
                drop(guard);
                (self.report)(&numbers);
                report_at *= 2;
                guard = lock(state);
                continue;
            }
            let next = limit.map_or(report_at, |limit| limit.min(report_at)) - passed;
            guard = wait_timeout(changed, guard, Some(next));
        }
    }
}

/// What the end of a run is told, and tells others.
#[derive(Clone)]
pub(crate) struct Exit {
    pub(crate) limits: Limits,
    /// How many workers there are.
    pub(crate) workers: usize,
    /// Where it goes that a worker leaves nothing.
    pub(crate) summaries: Option<Arc<Summaries>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) trace: Scope,
}

impl Exit {
    /// Reports who is waited for: of the `loops` that are left, of which each worker has so many as `lanes` says, and
    /// of what they have claimed and not finished.
    pub(crate) fn report(
        &self,
        control: &Control,
        (loops, lanes): (&[usize], usize),
        in_progress: &[(usize, usize)],
    ) {
        let mut waits: Vec<Waiting> = Vec::new();
        for &number in loops {
            let (worker, found) =
                (number / lanes, in_progress.iter().find(|(it, _)| *it == number));
            let index = found.map(|(_, index)| *index);
            match waits.last_mut().filter(|last| last.worker == worker) {
                // The first one of those that a worker has.
                Some(last) => last.index = [last.index, index].into_iter().flatten().min(),
                None => waits.push(Waiting { worker, index }),
            }
        }
        self.trace.enter(|| waits.iter().for_each(|wait| trace::waits(wait.worker, wait.index)));
        control.note_waits(waits);
    }

    /// The error of an item that was not finished when the run was aborted, with the worker that has it in progress
    /// still, if one has: of those that were `left` behind.
    pub(crate) fn lost(
        &self,
        index: usize,
        left: &[usize],
        in_progress: &[(usize, usize)],
    ) -> (Option<usize>, TaskError) {
        let at = in_progress.iter().find(|(worker, at)| *at == index && left.contains(worker));
        let begun = at.map_or(0, |(worker, _)| self.counters.worker(*worker).begun());
        // One that is being built has not begun it.
        let worker = at.map(|(worker, _)| *worker).filter(|_| begun > 0);
        (worker, TaskError::aborted(index, worker).after(begun))
    }

    /// Notes that so many loops were left behind, one a worker, at an end of this kind.
    pub(crate) fn give_up(&self, workers: &[usize], early: bool) {
        if let (Some(summaries), (Some(limit), option)) = (&self.summaries, self.limits.at(early)) {
            for &worker in workers {
                summaries.give_up(worker, TaskError::unfinished(worker, limit, option));
            }
        }
    }
}

/// A worker that the end of a run waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    worker: usize,
    /// The first item that it has claimed and not finished; none in a build, a `finish` or a destructor.
    index: Option<usize>,
}

/// In words, as the bar shows it.
#[cfg(feature = "progress")]
pub(crate) struct Waits<'a>(pub(crate) &'a [Waiting]);

#[cfg(feature = "progress")]
impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, more @ ..] = self.0 else { return Ok(()) };
        write!(f, "waits for worker {}", first.worker)?;
        if let Some(index) = first.index {
            write!(f, " at item {index}")?;
        }
        if more.is_empty() { Ok(()) } else { write!(f, " and {} more", more.len()) }
    }
}

#[cfg(all(test, feature = "progress"))]
mod tests {
    use super::*;

    #[test]
    fn who_is_waited_for_is_said_with_the_first_item_of_each() {
        let (control, trace) = (Control::new(), Scope::outside());
        let counters = Arc::new(Counters::new(3));
        let exit = Exit { limits: Limits::default(), workers: 3, summaries: None, counters, trace };
        exit.report(&control, (&[1], 1), &[(0, 9)]);
        assert_eq!(control.ending().unwrap(), "waits for worker 1");
        exit.report(&control, (&[0, 1, 4], 2), &[(1, 7), (0, 8), (4, 20)]);
        assert_eq!(control.ending().unwrap(), "waits for worker 0 at item 7 and 1 more");
        control.note_waits(Vec::new());
        assert_eq!(control.ending(), None);
        control.close();
        assert_eq!(control.ending().unwrap(), "");
    }
}
