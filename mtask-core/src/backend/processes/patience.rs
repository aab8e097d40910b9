//! How long the processes of a run have at its end.

use std::time::{Duration, Instant};

use crate::run::control::Control;
use crate::run::exit::Limits;
use crate::sync::{Arc, OnceLock};

/// How long they have where nothing is set and the run ends early.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the processes of a run have at its end; and when it was left, where it was.
pub(super) struct Patience {
    shutdown: Duration,
    finish: Option<Duration>,
    /// Set once by the consumer, or by who first finds the run cancelled; looked at while a process is waited for.
    left: OnceLock<Instant>,
    /// By which the run may be aborted at any time; none outside of a run.
    control: Option<Arc<Control>>,
}

/// Which of the limits is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Shutdown,
    Finish,
}

impl Over {
    /// The option that has set the limit.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown_timeout",
            Self::Finish => "finish_timeout",
        }
    }

    /// Why a process is killed then.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Shutdown => "it was told to end, and the `shutdown_timeout` was over",
            Self::Finish => "it was told to end, and the `finish_timeout` was over",
        }
    }
}

impl Patience {
    pub(super) fn new(limits: Limits, control: Option<&Arc<Control>>) -> Self {
        let shutdown = limits.shutdown.unwrap_or(SHUTDOWN);
        let (left, control) = (OnceLock::new(), control.cloned());
        Self { shutdown, finish: limits.finish, left, control }
    }

    /// The run is left early, from now on.
    pub(super) fn leave(&self) {
        self.left.get_or_init(Instant::now);
    }

    pub(super) fn is_left(&self) -> bool {
        self.left_at().is_some()
    }

    /// The run is aborted: what is finished of what processes were sent is of use.
    pub(super) fn is_aborted(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.is_aborted())
    }

    fn left_at(&self) -> Option<&Instant> {
        if self.is_aborted() {
            self.leave();
        }
        self.left.get()
    }

    /// How long a limit is.
    pub(super) fn limit(&self, over: Over) -> Duration {
        match over {
            Over::Shutdown => self.shutdown,
            Over::Finish => self.finish.unwrap_or(Duration::MAX),
        }
    }

    /// The run was left so long ago that its processes are to end.
    pub(super) fn is_shutdown_over(&self) -> bool {
        self.left_at().is_some_and(|at| at.elapsed() >= self.shutdown)
    }

    /// The time is over of a process that was told to end at `since`.
    pub(super) fn over(&self, since: Instant) -> Option<Over> {
        if self.is_shutdown_over() {
            return Some(Over::Shutdown);
        }
        self.finish.filter(|&limit| since.elapsed() >= limit).map(|_| Over::Finish)
    }

    /// How long the finish of a worker may take, as far as that is set.
    pub(super) fn finish(&self) -> Option<Duration> {
        self.finish
    }
}
