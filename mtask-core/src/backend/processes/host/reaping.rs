//! How a worker's process is ended and reaped, and what becomes of what the worker leaves.

use std::time::{Duration, Instant};

use super::{Host, State};
use crate::backend::processes::body::Status;
use crate::backend::processes::child::{DESTRUCTOR_PANICKED, Panic};
use crate::backend::processes::codec;
use crate::backend::processes::process::Child;
use crate::error::{Elsewhere, GivenUp, ProcessEnd};
use crate::observe::stats::Counters;
use crate::observe::trace;
use crate::sync::{Arc, Ordering, lock};
use crate::{TaskError, TaskErrorKind};

impl Host {
    /// Ends a child whose worker is through, and takes what it leaves.
    pub(super) fn end(&self, child: &Child) {
        if let Some((read, summaries)) = &self.summaries {
            let not_sent =
                |reason| TaskError::elsewhere(None, self.number, Elsewhere::NoResult(reason));
            let undecoded = |reason| not_sent(format!("its summary cannot be decoded: {reason}"));
            let summary = match child.finish() {
                Ok((Status::Done, bytes)) => Some(read(&bytes).map_err(undecoded)),
                Ok((Status::Panicked, bytes)) => Some(Err(match codec::decode(&bytes) {
                    Ok(Panic { message, .. }) => {
                        TaskError::finish_panicked(self.number, Box::new(message))
                    }
                    Err(reason) => undecoded(reason),
                })),
                Ok((_, bytes)) => Some(Err(codec::decode(&bytes).map_or_else(undecoded, not_sent))),
                // Its worker has panicked and is not there any more, and that was told.
                Err(_) if self.torn.load(Ordering::Relaxed) => None,
                Err(what) => Some(Err(TaskError::elsewhere(None, self.number, what))),
            };
            if let Some(summary) = summary {
                summaries.add(self.number, summary);
            }
        }
        self.count_end(child.end());
    }

    /// Counts what went wrong in a process after its last item.
    fn count_end(&self, ended: ProcessEnd) {
        if ended.is_clean() {
            return;
        }
        if ended.status.and_then(|status| status.code()) == Some(DESTRUCTOR_PANICKED) {
            Counters::count(&self.counters.destructor_panics);
            return trace::destructor_panicked(self.number);
        }
        Counters::count(&self.counters.unclean_ends);
        trace::process_ended(self.number, ended, None);
    }

    /// Notes that what a worker would have left is lost with it.
    pub(super) fn lose_summary(&self, index: Option<usize>, kind: TaskErrorKind, why: &str) {
        if let (Some((_, summaries)), Some(index)) = (&self.summaries, index) {
            summaries.add(self.number, Err(TaskError::torn(index, self.number, kind, why)));
        }
    }

    /// Takes note of a child that has died.
    pub(super) fn reap(&self, child: &Arc<Child>, limit: Option<Duration>) {
        let mut state = lock(&self.state);
        if state.is(child) {
            self.reap_last(&mut state, child, limit);
        }
    }

    /// Reaps the child, which may have come to its time limit, and retires the worker if its children die
    /// too often.
    pub(super) fn reap_last(&self, state: &mut State, child: &Child, limit: Option<Duration>) {
        state.ended = child.reap();
        self.stand_by.disturb();
        if let Some(status) = state.ended {
            trace::process_ended(self.number, status, limit);
        }
        state.child = None;
        self.set_up(false);
        self.ended.notify_all();
        let Some((most, within)) = self.settings.max_restarts else { return };
        if self.over.load(Ordering::Relaxed) {
            // It was ended with its run.
            return;
        }
        let now = Instant::now();
        state.deaths.retain(|&at| now - at < within);
        state.deaths.push(now);
        if state.deaths.len() > most {
            let why = GivenUp::Ends { count: state.deaths.len(), within };
            self.retire(state, why);
        }
    }

    pub(super) fn end_child(&self) {
        let child = lock(&self.state).child.take();
        self.set_up(false);
        if let Some(child) = child {
            self.end(&child);
        }
    }
}
