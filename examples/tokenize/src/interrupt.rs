//! Ctrl-C and its kind: a run ends in order, and says how it goes on.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use mtask::CancelHandle;

/// The signal that ends the run; 0 before there is one.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// What wakes a run that waits.
static RUN: Mutex<Option<CancelHandle>> = Mutex::new(None);

/// A signal ended the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted(i32);

impl Interrupted {
    /// Ends this process as the signal would have: what started it is to see that.
    #[cfg(unix)]
    pub(crate) fn exit(self) -> u8 {
        // It returns only where the system refuses.
        let _ = signal_hook::low_level::emulate_default_handler(self.0);
        128 + self.0 as u8
    }

    /// The exit code.
    #[cfg(not(unix))]
    pub(crate) fn exit(self) -> u8 {
        128 + self.0 as u8
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(unix)]
        if let Some(name) = signal_hook::low_level::signal_name(self.0) {
            return write!(f, "ended by {name}");
        }
        write!(f, "ended by signal {}", self.0)
    }
}

impl Error for Interrupted {}

impl From<Interrupted> for io::Error {
    fn from(interrupted: Interrupted) -> Self {
        Self::other(interrupted)
    }
}

/// # Errors
///
/// A signal has come.
pub(crate) fn check() -> Result<(), Interrupted> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => Ok(()),
        signal => Err(Interrupted(signal)),
    }
}

/// Has a signal cancel this run.
pub(crate) fn cancels(run: CancelHandle) {
    let mut cancelled = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    if check().is_err() {
        run.cancel();
    }
    *cancelled = Some(run);
}

#[cfg(unix)]
pub(crate) use unix::Signals;

/// No signals: there are none that could be waited for.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn ignored() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn end_at_once(&self) {}

    pub(crate) fn end_in_order(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::Arc;
    use std::sync::PoisonError;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{fs, thread};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{flag, iterator};

    use super::{RUN, SIGNAL};

    /// The signals that ask a program to end, in this process.
    pub(crate) struct Signals {
        signals: Vec<i32>,
        /// They end it at once.
        are_deadly: Arc<AtomicBool>,
    }

    impl Signals {
        /// Ignores them: a worker's process ends with its parent, and not before it, though both
        /// get the signal, or the parent would take its line for one that failed.
        ///
        /// # Errors
        ///
        /// The system refuses.
        pub(crate) fn ignored() -> io::Result<Self> {
            let (signals, are_deadly) = (heeded(), Arc::default());
            for &signal in &signals {
                flag::register_conditional_default(signal, Arc::clone(&are_deadly))?;
            }
            Ok(Self { signals, are_deadly })
        }

        /// Lets them end the process.
        pub(crate) fn end_at_once(&self) {
            self.are_deadly.store(true, Ordering::SeqCst);
        }

        /// Has the first end the run in order, and a second the process.
        ///
        /// # Errors
        ///
        /// The system refuses.
        pub(crate) fn end_in_order(&self) -> io::Result<()> {
            let mut signals = iterator::Signals::new(&self.signals)?;
            self.are_deadly.store(false, Ordering::SeqCst);
            let are_deadly = Arc::clone(&self.are_deadly);
            let wait = move || {
                if let Some(signal) = signals.forever().next() {
                    SIGNAL.store(signal, Ordering::SeqCst);
                    are_deadly.store(true, Ordering::SeqCst);
                    if let Some(run) = &*RUN.lock().unwrap_or_else(PoisonError::into_inner) {
                        run.cancel();
                    }
                }
            };
            thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
        }
    }

    /// But for those that were ignored when this program was started, as `nohup` does.
    fn heeded() -> Vec<i32> {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        match ignored {
            Some(ignored) => [SIGHUP, SIGINT, SIGTERM]
                .into_iter()
                .filter(|signal| ignored >> (signal - 1) & 1 == 0)
                .collect(),
            // Which are ignored cannot be known here, and a hang-up commonly is.
            None => vec![SIGINT, SIGTERM],
        }
    }
}
