//! Workers in processes: a crash costs one item, and a time limit is real.
//!
//! `README.md` beside this file explains how a worker's items reach its process, and what becomes of
//! them when it dies.

mod batch;
mod boxed;
mod child;
mod codec;
mod frame;
mod host;
#[cfg(feature = "json")]
mod json;
mod lane;
#[cfg(feature = "progress")]
mod pqdm;
mod process;
mod registry;
mod remote;
mod settings;

pub use boxed::RemoteBoxSpec;
pub use child::Session;
#[doc(hidden)]
pub use codec::to_bytes;
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "progress")]
pub use pqdm::pqdm;
pub use registry::Entry;
pub use remote::{RemoteError, RemoteSpec};

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::Worker;
use crate::backend::{Backend, Concurrent, Job, Launch, Next, sealed};
use crate::bridge::{Finished, StopWhen};
use crate::source::Remote;
use crate::sync::{Arc, AtomicBool, JoinHandle, Ordering};
use crate::threads::PulledRun;
use crate::threads::enter::Loop;
use host::Host;
use lane::{LANES, Lane};
use settings::Settings;

/// `init` was called in this process, which is no child.
static READY: AtomicBool = AtomicBool::new(false);

/// The first line of `main` in a program that runs workers in processes.
///
/// In a child it serves the worker and does not return; in the program itself it notes that it was
/// called, which [`Processes`] asks for: without it a child would do what its parent does.
pub fn init() {
    serve_if_child();
    READY.store(true, Ordering::Relaxed);
}

/// Serves in a child, and does nothing else.
#[doc(hidden)]
pub fn serve_if_child() {
    if child::is_child() {
        child::run();
    }
}

/// Has the children of a test program find their way: once in each, outside of functions.
///
/// A test program has a `main` of its own, with no place for [`init`]. This writes a test of the name
/// `mtask_worker`, which passes, and at which children are started.
#[macro_export]
macro_rules! test_entry {
    () => {
        #[test]
        fn mtask_worker() {
            $crate::processes::serve_if_child();
        }

        $crate::__private::inventory::submit! {
            $crate::processes::TestEntry(concat!(module_path!(), "::mtask_worker"))
        }
    };
}

/// Makes an instantiation of a generic worker known to children, as `#[delayed_init(remote)]` does for
/// a type without parameters: `mtask::register!(ScaleSpec<f32>, Scale<f32>);`.
#[macro_export]
macro_rules! register {
    ($spec:ty, $worker:ty $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::processes::Entry::of::<$spec, $worker>()
        }
    };
}

/// Workers in child processes of this program, one in each.
#[derive(Clone, Default)]
pub struct Processes {
    settings: Settings,
}

impl Processes {
    /// Children without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends a child that takes longer for an item, which is then `TimedOut`.
    pub fn task_timeout(mut self, limit: Duration) -> Self {
        self.settings.task_timeout = Some(limit);
        self
    }

    /// Ends a child that takes longer to build its worker.
    pub fn build_timeout(mut self, limit: Duration) -> Self {
        self.settings.build_timeout = Some(limit);
        self
    }

    /// Retires a worker whose process dies more than `most` times within `within`, as supervisors of
    /// Erlang/OTP do. Without it a process is started again as often as it dies.
    pub fn max_restarts(mut self, most: usize, within: Duration) -> Self {
        self.settings.max_restarts = Some((most, within));
        self
    }

    /// Adds to the environment of each worker's process, by the number of the worker.
    pub fn env<K, V, E>(mut self, env: impl Fn(usize) -> E + Send + Sync + 'static) -> Self
    where
        E: IntoIterator<Item = (K, V)>,
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let pairs = move |worker| -> Vec<(OsString, OsString)> {
            env(worker).into_iter().map(|(key, value)| (key.into(), value.into())).collect()
        };
        self.settings.env = Some(Arc::new(pairs));
        self
    }

    /// Limits the memory that a worker's process can map, in bytes (`RLIMIT_AS`).
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = Some(bytes);
        self
    }

    /// Adds to how nice the processes are to others: from 0 to 19, without privileges.
    pub fn nice(mut self, by: i32) -> Self {
        self.settings.nice = Some(by);
        self
    }

    /// How long a child is waited for that is told to end, before it is ended by force: at the end of
    /// the run, and for what it has in hand where the run is left early. Without it that is waited for,
    /// however long it takes.
    ///
    /// The iterator's own option of this name stands in where this one is not given.
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.settings.shutdown_timeout = Some(limit);
        self
    }

    /// Limits what an item or its result may take when it is encoded, in bytes: 256 MiB unless set.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes;
        self
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processes").finish_non_exhaustive()
    }
}

impl sealed::Sealed for Processes {}
impl Concurrent for Processes {}

impl Backend for Processes {
    type Run<I: Iterator, S, W: Worker<Input = I::Item>> = Run<I, W::Output>;
}

/// A run in processes.
#[doc(hidden)]
pub struct Run<I: Iterator, O> {
    inner: PulledRun<I, O, JoinHandle<()>>,
    hosts: Arc<[Host]>,
}

impl<I: Iterator, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl<I: Iterator, O> Drop for Run<I, O> {
    fn drop(&mut self) {
        // Before the threads are joined, which wait for what their children have in hand.
        self.hosts.iter().for_each(Host::cancel);
    }
}

impl<I, S, W> Launch<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        let mut settings = self.settings;
        settings.workers = job.team.specs.len();
        settings.shutdown_timeout = settings.shutdown_timeout.or(job.team.timeout);
        let settings = Arc::new(settings);
        let counters = &job.team.counters;
        let specs = job.team.specs.iter().enumerate();
        let hosts: Arc<[Host]> =
            specs.map(|(number, spec)| Host::new(spec, number, &settings, counters)).collect();
        let all = Arc::clone(&hosts);
        let inner = PulledRun::start(
            job,
            eager,
            LANES,
            |team, bridge, source| {
                let lanes = 0..team.specs.len() * LANES;
                let build_now = team.build_now;
                lanes
                    .map(|number| {
                        let (bridge, hosts) = (Arc::clone(bridge), Arc::clone(&all));
                        let lane = Lane { bridge, hosts, number };
                        let pull = Remote(Arc::clone(source));
                        Box::new(move || lane.work(pull, build_now)) as Loop<'_>
                    })
                    .collect()
            },
            |builder, body| {
                may_spawn()?;
                builder.spawn(body)
            },
        );
        Run { inner, hosts }
    }

    #[inline(always)]
    fn ready(run: &mut Self::Run<I, S, W>) -> Option<Finished<W::Output>> {
        run.inner.ready()
    }

    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output> {
        run.inner.next()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.inner.stop_when(stop);
    }
}

/// Refuses to start children that would do what their parent does.
fn may_spawn() -> io::Result<()> {
    if READY.load(Ordering::Relaxed) || inventory::iter::<TestEntry>().next().is_some() {
        return Ok(());
    }
    Err(io::Error::other(
        "a worker's process is this program once more: make `mtask::init();` the first line of \
         `main`, or write `mtask::test_entry!();` in a test program",
    ))
}

/// Where children are started in a test program, which has a `main` of its own.
#[derive(Debug)]
pub struct TestEntry(pub &'static str);

inventory::collect!(TestEntry);

/// The running program, also where its file was replaced.
fn program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// The arguments with which a child finds its way to [`init`].
fn entry_args() -> Vec<&'static OsStr> {
    if READY.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let Some(TestEntry(path)) = inventory::iter::<TestEntry>().next() else { return Vec::new() };
    // The path of a test begins behind the name of its program.
    let name = path.split_once("::").map_or(*path, |(_, name)| name);
    // On the main thread, so that nothing waits for it and says so.
    ["--exact", name, "--nocapture", "--test-threads=1"].map(OsStr::new).into()
}
