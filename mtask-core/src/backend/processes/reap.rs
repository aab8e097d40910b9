//! The process of a child: whether it runs, how it is ended, and how it ended.

use std::os::unix::process::ExitStatusExt;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::error::ProcessEnd;
use crate::sync::{Mutex, lock};

/// How often it is looked whether a process has ended: at first, and at the most while that takes no longer than
/// a [`MOMENT`].
const POLL: [Duration; 2] = [Duration::from_micros(50), Duration::from_millis(2)];

/// What ends without user code ends sooner; after it a process is looked at only so often as to end it in time.
const MOMENT: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_millis(50);

/// A process that was started, until it is reaped and after.
pub(super) struct Process(Mutex<State>);

struct State {
    process: process::Child,
    memory_limit: Option<u64>,
    /// How it ended, once it is reaped: from then on its number may be that of another.
    ended: Option<ProcessEnd>,
}

impl Process {
    /// `memory_limit` is what it sets itself, in bytes.
    pub(super) fn new(process: process::Child, memory_limit: Option<u64>) -> Self {
        Self(Mutex::new(State { process, memory_limit, ended: None }))
    }

    /// It has not ended.
    pub(super) fn is_running(&self) -> bool {
        lock(&self.0).is_running()
    }

    /// Waits for its end, and ends it by force once `is_over` gives a reason.
    pub(super) fn wait_until(&self, is_over: impl Fn() -> Option<&'static str>) -> ProcessEnd {
        let start = Instant::now();
        let mut pause = POLL[0];
        while self.is_running() {
            if let Some(why) = is_over() {
                return self.kill(why);
            }
            thread::sleep(pause);
            let most = if start.elapsed() < MOMENT { POLL[1] } else { SELDOM };
            pause = (2 * pause).min(most);
        }
        lock(&self.0).reap(None)
    }

    /// Ends it by force, and says how it ended, or had ended before.
    pub(super) fn kill(&self, why: &'static str) -> ProcessEnd {
        let mut state = lock(&self.0);
        let killed = state.is_running().then_some(why);
        if killed.is_some() {
            state.signal_group();
            // Until it comes to `init` it leads no group.
            let _ = state.process.kill();
        }
        state.reap(killed)
    }
}

impl State {
    fn pid(&self) -> Pid {
        let number = i32::try_from(self.process.id()).ok();
        number.and_then(Pid::from_raw).expect("a process that was started has a number")
    }

    fn is_running(&self) -> bool {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.ended.is_none() && matches!(waitid(WaitId::Pid(self.pid()), how), Ok(None))
    }

    /// Waits for its end without reaping it; false where the system has done that.
    fn wait_unreaped(&self) -> bool {
        loop {
            let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(self.pid()), how) {
                Err(rustix::io::Errno::INTR) => {}
                outcome => return outcome.is_ok(),
            }
        }
    }

    /// Kills the group that it leads, if it does so yet. Only before it is reaped: till then no other process
    /// and no other group is given its number.
    fn signal_group(&self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    /// Waits for its end, ends what is left of its group, and reaps it. `killed` is why it was sent a signal.
    fn reap(&mut self, killed: Option<&'static str>) -> ProcessEnd {
        if let Some(ended) = self.ended {
            return ended;
        }
        if self.wait_unreaped() {
            self.signal_group();
        }
        let status = self.process.wait().ok();
        // It may have ended by itself before the signal came.
        let killed = killed
            .filter(|_| status.is_none_or(|status| status.signal() == Some(Signal::KILL.as_raw())));
        *self.ended.insert(ProcessEnd { status, killed, memory_limit: self.memory_limit })
    }
}
