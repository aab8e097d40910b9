//! How a worker's process ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

/// How a process ended: by itself or another, or since mtask killed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessEnd {
    /// `None` where the system has not kept it.
    pub(crate) status: Option<ExitStatus>,
    /// Why mtask killed it, where it did.
    pub(crate) killed: Option<&'static str>,
    /// Its memory limit in bytes, which mtask had set.
    pub(crate) memory_limit: Option<u64>,
}

impl ProcessEnd {
    /// It ended as it should, as far as is known.
    pub(crate) fn is_clean(&self) -> bool {
        self.killed.is_none() && self.status.is_none_or(|status| status.success())
    }

    /// It died as programs do that get no memory.
    fn may_lack_memory(&self) -> bool {
        const SIGNALS: [Signal; 2] = [Signal::ABORT, Signal::SEGV];
        let signal = self.status.and_then(|status| status.signal());
        signal.is_some_and(|signal| SIGNALS.iter().any(|it| it.as_raw() == signal))
    }
}

impl fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = self.killed {
            return write!(f, "a kill by mtask, since {why}");
        }
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str(
                "unknown exit status, since the program ignores SIGCHLD or waits for all children itself",
            )?,
        }
        match self.memory_limit {
            Some(bytes) if self.may_lack_memory() => write!(
                f,
                "; the likely cause is its memory limit of {bytes} bytes, set by \
                 `Processes::memory_limit`"
            ),
            _ => Ok(()),
        }
    }
}
