//! How children are to run.

use std::ffi::OsString;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::available_parallelism;
use std::time::Duration;

use super::frame;
use super::patience::Patience;
use crate::error::{PanicPayload, drop_caught};
use crate::run::control::Control;
use crate::run::exit::Limits;
use crate::sync::Arc;

type Env = Arc<dyn Fn(usize) -> Vec<(OsString, OsString)> + Send + Sync>;

/// What the user has set.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) task_timeout: Option<Duration>,
    pub(super) build_timeout: Option<Duration>,
    /// Within which a process comes to `init`.
    pub(super) start_timeout: Duration,
    /// So many children within such a time.
    pub(super) max_restarts: Option<(usize, Duration)>,
    pub(super) memory_limit: Option<u64>,
    pub(super) nice: Option<i32>,
    pub(super) max_frame: usize,
    pub(super) env: Option<Env>,
    pub(super) workers: usize,
    /// How long a process may go on at an early end.
    pub(super) shutdown_timeout: Option<Duration>,
    /// A process outlives its run, for the next one.
    pub(super) is_kept: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task_timeout: None,
            build_timeout: None,
            start_timeout: Duration::from_secs(30),
            max_restarts: None,
            memory_limit: None,
            nice: None,
            max_frame: frame::MAX,
            env: None,
            workers: 1,
            shutdown_timeout: None,
            is_kept: false,
        }
    }
}

/// By the names that users set them by.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes")
            .field("task_timeout", &self.task_timeout)
            .field("build_timeout", &self.build_timeout)
            .field("start_timeout", &self.start_timeout)
            .field("max_restarts", &self.max_restarts)
            .field("memory_limit", &self.memory_limit)
            .field("nice", &self.nice)
            .field("max_frame", &self.max_frame)
            // It is a function, which says no more of itself.
            .field("env", &self.env.is_some())
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish()
    }
}

impl Settings {
    /// The same for a run of so many workers.
    pub(super) fn of_run(&self, workers: usize) -> Self {
        Self { workers, ..self.clone() }
    }

    /// How long the processes of a run have at its end, with its own limits where nothing else is set.
    pub(super) fn patience(&self, limits: Limits, control: Option<&Arc<Control>>) -> Patience {
        let shutdown = self.shutdown_timeout.or(limits.shutdown);
        Patience::new(Limits { shutdown, ..limits }, control)
    }

    /// What is added to the environment of a worker's process.
    ///
    /// # Errors
    ///
    /// Where the user's function for it panics.
    pub(super) fn env(&self, worker: usize) -> Result<Vec<(OsString, OsString)>, String> {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = (cores / self.workers).max(1).to_string();
        // So that many workers do not each start as many threads as there are processors.
        let mut pairs: Vec<(OsString, OsString)> = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"]
            .into_iter()
            .filter(|name| std::env::var_os(name).is_none())
            .map(|name| (name.into(), threads.as_str().into()))
            .collect();
        if let Some(env) = &self.env {
            let added = catch_unwind(AssertUnwindSafe(|| env(worker))).map_err(|payload| {
                let message = PanicPayload::text(&*payload).to_owned();
                drop_caught(payload);
                format!("the function given to `.env(..)` panicked: {message}")
            })?;
            pairs.extend(added);
        }
        Ok(pairs)
    }
}
