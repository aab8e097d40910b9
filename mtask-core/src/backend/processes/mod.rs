//! Workers in processes.

#![cfg_attr(not(unix), allow(dead_code, reason = "what says no has no use for the rest"))]

#[cfg(unix)]
mod apart;
#[cfg(unix)]
mod batch;
#[cfg(unix)]
mod body;
mod boxed;
#[cfg(unix)]
mod child;
mod codec;
mod crossing;
#[cfg(unix)]
mod doing;
#[cfg(unix)]
mod door;
mod frame;
#[cfg(all(test, unix))]
mod fuzz;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod incoming;
#[cfg(feature = "json")]
mod json;
#[cfg(unix)]
mod kept;
#[cfg(unix)]
mod lane;
#[cfg(unix)]
mod lanes;
#[cfg(unix)]
mod order;
mod patience;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod reap;
mod registry;
mod remote;
mod run;
#[cfg(unix)]
mod sent_spec;
mod settings;
#[cfg(unix)]
mod stand_by;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
mod watch;

pub use boxed::RemoteBoxSpec;
#[cfg(unix)]
pub use child::Session;
pub use codec::to_bytes;
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(unix)]
pub use kept::Kept;
#[cfg(unix)]
pub use lanes::Lanes;
pub use registry::Entry;
pub use remote::{RemoteError, RemoteSpec};
#[cfg(not(unix))]
pub use unsupported::{Kept, Lanes, Session};

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use crate::sync::{Arc, AtomicBool, Ordering};
use settings::Settings;

/// `init` was called in this process.
static READY: AtomicBool = AtomicBool::new(false);
/// This process serves a worker.
static SERVES: AtomicBool = AtomicBool::new(false);

/// The first line of `main` in a program that runs workers in processes.
///
/// In a child it serves the worker and does not return; in the program itself it notes that it was
/// called, which [`Processes`] asks for: without it a child would do what its parent does, so no child is
/// started, and the run's only item is an error that says so.
///
/// What stands before it in `main` runs in every child too, and a worker runs inside it. So it does not belong into
/// an `async fn main`, as of `#[tokio::main]`: a worker would run inside that runtime, where `block_on` panics. Call
/// it in a plain `main`, and build the runtime after it:
///
/// ```
/// use mtask::prelude::*;
/// use mtask::Processes;
///
/// #[delayed_init(remote)]
/// fn double(x: u64) -> u64 {
///     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
///     runtime.block_on(async { 2 * x })
/// }
///
/// fn main() {
///     mtask::init();
///     let runtime = tokio::runtime::Runtime::new().unwrap();
///     runtime.block_on(async {
///         let doubled = par_stateful(0..3, [double::spec()]).backend(Processes::new());
///         assert_eq!(doubled.collect::<Result<Vec<_>, _>>().unwrap(), [0, 2, 4]);
///     });
/// }
/// ```
///
/// It is not for a `#[test]`, whose program has a
/// `main` of its own: there [`test_entry!`](crate::test_entry) stands in for it.
///
/// # Panics
///
/// On any thread but the main one, as in a test: each child would run the whole program up to there.
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[track_caller]
pub fn init() {
    assert!(
        std::thread::current().name() == Some("main"),
        "mtask: `mtask::init()` is for the first line of `main`: in a test program write \
         `mtask::test_entry!();` outside of functions, and nothing in the test"
    );
    // First, since a worker may have children of its own.
    READY.store(true, Ordering::Relaxed);
    serve_if_child();
}

/// Serves in a child, and does nothing else.
pub fn serve_if_child() {
    #[cfg(unix)]
    if apart::is_child() {
        SERVES.store(true, Ordering::Relaxed);
        child::run();
    }
}

/// Has the children of a test program find their way: once in each, outside of functions.
///
/// A test program has a `main` of its own, with no place for [`init`](crate::init). This writes a test
/// of the name `mtask_worker`, which passes, and at which children are started; whatever filter the
/// program itself was started with, and under nextest as well. A doc test has a `main`, and calls
/// [`init`](crate::init) there.
///
/// ```
/// # // What it expands to is a test, which a doc test is without.
/// mtask::test_entry!();
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[macro_export]
macro_rules! test_entry {
    () => {
        #[test]
        fn mtask_worker() {
            $crate::__private::serve_if_child();
        }

        $crate::__private::inventory::submit! {
            $crate::__private::TestEntry(concat!(module_path!(), "::mtask_worker"))
        }
    };
}

/// Makes an instantiation of a generic worker known to children, as `#[delayed_init(remote)]` does for
/// a type without parameters.
///
/// ```
/// use mtask::prelude::*;
/// use mtask::Processes;
///
/// struct Scale<T>(T);
///
/// #[delayed_init(remote)]
/// impl<T: Clone + Send + std::ops::Mul<Output = T>> Scale<T> {
///     fn new(by: T) -> Self {
///         Self(by)
///     }
///
///     fn call(&mut self, x: T) -> T {
///         x * self.0.clone()
///     }
/// }
///
/// mtask::register!(ScaleSpec<f32>, Scale<f32>);
///
/// fn main() -> Result<(), TaskError> {
///     mtask::init();
///     let scaled = par_stateful([1.0, 2.0], [Scale::spec(0.5f32)]).backend(Processes::new());
///     assert_eq!(scaled.collect::<Result<Vec<_>, _>>()?, [0.5, 1.0]);
///     Ok(())
/// }
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[macro_export]
macro_rules! register {
    ($spec:ty, $worker:ty, finish $(,)?) => {
        $crate::register!($spec, $worker);
        $crate::__private::inventory::submit! {
            $crate::__private::Entry::finishing::<$spec, $worker>()
        }
    };
    ($spec:ty, $worker:ty $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Entry::of::<$spec, $worker>()
        }
    };
}

/// Workers in child processes of this program, one in each; the module [`processes`](crate::processes) says more.
///
/// # Errors
///
/// Beside what threads give: [`WorkerLost`](crate::TaskErrorKind::WorkerLost),
/// [`TimedOut`](crate::TaskErrorKind::TimedOut) and [`NotSent`](crate::TaskErrorKind::NotSent), each of
/// which costs one item. A worker that is not registered, or whose spec does not cross, is a failed
/// build, which says so.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use mtask::prelude::*;
/// use mtask::Processes;
///
/// #[delayed_init(remote)]
/// fn nap(ms: u64) -> u64 {
///     std::thread::sleep(Duration::from_millis(ms));
///     ms
/// }
///
/// fn main() {
///     mtask::init();
///     let backend = Processes::new().task_timeout(Duration::from_millis(400));
///     let naps = par_stateful([1, 60_000, 2], nap::spec().times(2)).backend(backend);
///     let naps: Vec<_> = naps.map(|nap| nap.map_err(|error| error.kind())).collect();
///     assert_eq!(naps, [Ok(1), Err(TaskErrorKind::TimedOut), Ok(2)]);
/// }
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[derive(Clone, Default)]
#[must_use = "it is set by `.backend(..)`"]
pub struct Processes {
    settings: Settings,
}

impl Processes {
    /// Children without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest that an item may take. Its process is ended then, the item is
    /// [`TimedOut`](crate::TaskErrorKind::TimedOut), and the worker is built again. What it takes to build a
    /// worker is not in it: see [`build_timeout`](Processes::build_timeout).
    ///
    /// The time begins when the process has nothing before this item, and does not go on while the whole
    /// program is stopped. Items are sent one at a time where there is a limit, which costs two system
    /// calls for each on either side, and a wake-up if it takes more than some 50 µs.
    pub fn task_timeout(mut self, limit: Duration) -> Self {
        self.settings.task_timeout = Some(limit);
        self
    }

    /// The longest that a worker may take to be built, the start of its process included. It is ended
    /// then, which is a failed build.
    pub fn build_timeout(mut self, limit: Duration) -> Self {
        self.settings.build_timeout = Some(limit);
        self
    }

    /// The longest that a process may take to come to [`init`]: 30 seconds unless set. It is ended then, which
    /// is a failed build, with an error that says where `init` belongs.
    ///
    /// What stands before `init` in `main` runs in every child too: a program that asks a question there, or
    /// waits for something that only the program itself is given, never comes to it. A longer limit is for one
    /// that has to load much before.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mtask::prelude::*;
    /// use mtask::Processes;
    ///
    /// #[delayed_init(remote)]
    /// fn double(x: u64) -> u64 {
    ///     2 * x
    /// }
    ///
    /// fn main() -> Result<(), TaskError> {
    ///     mtask::init();
    ///     let backend = Processes::new().start_timeout(Duration::from_secs(120));
    ///     let doubled = par_stateful(0..3, [double::spec()]).backend(backend);
    ///     assert_eq!(doubled.collect::<Result<Vec<_>, _>>()?, [0, 2, 4]);
    ///     Ok(())
    /// }
    /// ```
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.settings.start_timeout = limit;
        self
    }

    /// Retires a worker whose process ends more than `most` times within `within`, as a supervisor of
    /// [Erlang/OTP](https://www.erlang.org/doc/apps/stdlib/supervisor.html) gives up on its children.
    /// Others take over what is left; where there are none, the run ends with errors of the kind
    /// [`NoWorkerLeft`](crate::TaskErrorKind::NoWorkerLeft).
    ///
    /// Without it a process is started again as often as it ends.
    pub fn max_restarts(mut self, most: usize, within: Duration) -> Self {
        self.settings.max_restarts = Some((most, within));
        self
    }

    /// Adds to the environment of each worker's process, by the number of the worker, from 0.
    ///
    /// `RAYON_NUM_THREADS` and `OMP_NUM_THREADS` are set beforehand, where the program itself is without
    /// them: to the processors that each worker has for itself, so that N workers do not each start N
    /// threads. A panic in `env` is a failed build.
    ///
    /// ```
    /// let backend = mtask::Processes::new()
    ///     .env(|worker| [("CUDA_VISIBLE_DEVICES", worker.to_string())]);
    /// ```
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

    /// Limits the memory that a worker's process can map, in bytes (`RLIMIT_AS`), before the worker is
    /// built. What is over it fails to be allocated, which mostly ends the process.
    ///
    /// It is address space that counts, stacks of threads and mapped files included, and not what is
    /// resident: nothing for a worker that uses CUDA, which maps far more than it fills. Most allocators abort
    /// where they get none: the item's error names this limit as the likely cause where the process dies of `SIGABRT`
    /// or `SIGSEGV`. macOS does not enforce it.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = Some(bytes);
        self
    }

    /// Adds to the niceness of the processes: 0 to 19 gives way to others, less asks for privileges.
    /// Where it cannot be set the build fails.
    pub fn nice(mut self, by: i32) -> Self {
        self.settings.nice = Some(by);
        self
    }

    /// How long processes may go on at an early end with what they have in progress, and finish and drop their
    /// workers, before they are killed with all that they have started: 5 s unless set. `Duration::MAX` waits for
    /// ever.
    ///
    /// The run's own option of this name stands in where this one is not given. A run that has yielded everything
    /// waits for its workers to end, however long that takes, unless it has a
    /// [`finish_timeout`](crate::ParStateful::finish_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mtask::prelude::*;
    /// use mtask::Processes;
    ///
    /// #[delayed_init(remote)]
    /// fn nap(ms: u64) {
    ///     std::thread::sleep(Duration::from_millis(ms));
    /// }
    ///
    /// fn main() {
    ///     mtask::init();
    ///     let backend = Processes::new().shutdown_timeout(Duration::from_millis(100));
    ///     let mut naps = par_stateful([0, 60_000], [nap::spec()]).backend(backend);
    ///     naps.next();
    ///     drop(naps); // does not wait a minute
    /// }
    /// ```
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.settings.shutdown_timeout = Some(limit);
        self
    }

    /// Limits what an item, its result, a spec or a summary may take when it is encoded, in bytes: 256 MiB unless
    /// set, and 4 GiB less one MiB at the most. What takes more is an error that says so.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes.min(frame::LARGEST);
        self
    }
}

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// Where children are started in a test program, which has a `main` of its own.
#[derive(Debug)]
pub struct TestEntry(pub &'static str);

inventory::collect!(TestEntry);
