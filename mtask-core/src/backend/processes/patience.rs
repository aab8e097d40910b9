//! How long the processes of a run have at its end.

use std::time::{Duration, Instant};

use crate::run::exit::Limits;
use crate::sync::OnceLock;

/// How long they have where nothing is set and the run ends early.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the processes of a run have at its end; and when it was left, where it was.
#[derive(Debug)]
pub(super) struct Patience {
    shutdown: Duration,
    finish: Option<Duration>,
    /// Set once by the consumer, or by who first finds the run cancelled; looked at while a process is waited for.
    left: OnceLock<Instant>,
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
    pub(super) fn new(limits: Limits) -> Self {
        let shutdown = limits.shutdown.unwrap_or(SHUTDOWN);
        Self { shutdown, finish: limits.finish, left: OnceLock::new() }
    }

    /// The run is left early, from now on.
    pub(super) fn leave(&self) {
        self.left.get_or_init(Instant::now);
    }

    pub(super) fn is_left(&self) -> bool {
        self.left.get().is_some()
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
        self.left.get().is_some_and(|at| at.elapsed() >= self.shutdown)
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
