//! Map an iterator through stateful workers: ordered, bounded in memory, lazy, and with every
//! failure accounted for.
//!
//! A worker is built from arguments of its own, inside the thread where it will run, so that it may
//! hold what is expensive or cannot be shared: a model, a device, a tokenizer, a connection.
//!
//! ```
//! use mtask::prelude::*;
//!
//! struct Splitter {
//!     separator: String,
//!     seen: usize,
//! }
//!
//! #[delayed_init]
//! impl Splitter {
//!     fn new(separator: &str) -> Self {
//!         Self { separator: separator.to_owned(), seen: 0 } // runs in the worker's thread
//!     }
//!
//!     fn call(&mut self, line: &str) -> usize {
//!         self.seen += 1;
//!         line.split(&self.separator).count()
//!     }
//! }
//!
//! let lines = ["a,b", "c", "d,e,f"].map(str::to_owned);
//! let specs = Splitter::spec(",").times(2);
//! let counts: Vec<usize> = par_stateful(lines, specs).collect::<Result<_, _>>()?;
//! assert_eq!(counts, [2, 1, 3]);
//! # Ok::<(), mtask::TaskError>(())
//! ```
//!
//! # What a run tells
//!
//! With the feature `tracing` a run tells a subscriber of [tracing](https://docs.rs/tracing) what happens to it,
//! under the target `mtask`. The span `mtask.run` (of level info, with `backend` (where its workers are), `workers`, `window` and
//! `ordered`) is in that of the thread which starts the run, and the consumer is not in it. The spans
//! `mtask.worker` (info, with the worker's number, `worker`) are in the run's, and so is what a worker tells itself,
//! in its build or its calls. All of it goes to the subscriber of the thread that starts the run. Each map
//! over a [`Pool`] is a run.
//!
//! | Event | Level | Fields |
//! |---|---|---|
//! | `worker built` | debug | `worker`, `elapsed` |
//! | `build failed` | warn | `worker`, `failures` in a row, `error` |
//! | `worker retired` | error | `worker`, `error` |
//! | `worker panicked` | warn | `worker`, `index` of the item, `panic` |
//! | `destructor panicked` | warn | `worker` |
//! | `item tried again` | info | `worker`, `index`, `attempt` |
//! | `lifespan over` | debug | `worker`, `items` |
//! | `process ended` | warn | `worker`, `status`, and `limit` where it was its time limit; also at its end, where that is unclean |
//! | `process restarted` | info | `worker`, and how the one before has `ended` |
//! | `run cancelled` | info | `by` a `handle` or an early `drop` |
//! | `source panicked` | warn | `panic` |
//! | `run finished` | debug | `ended` ([how](Ended)), `items`, `errors` among them, `retries`, `elapsed` |
//!
//! Nothing is told of every item, and an item costs nothing more; but with `.inline()`, where each is run inside
//! the worker's span. A worker in a process tells of itself there, to a subscriber that is set before
//! `mtask::init()`, if any.
//!
//! # `panic = "abort"`, and `fork`
//!
//! With `panic = "abort"` in the profile a panic ends the program, and there is nothing that mtask could catch:
//! in threads a panic of a worker, of its build or of the source is the end of everything, and
//! [`Panicked`](TaskErrorKind::Panicked) never comes. In [processes](mod@processes) it is the end of one child: an item that
//! is [`WorkerLost`](TaskErrorKind::WorkerLost) with `SIGABRT`, or a failed build.
//!
//! A program that forks, by `libc::fork` or a library that does it, has one thread in the forked child: the one that
//! called it. The threads of a run that had started are not there. So in the child such a run neither goes on nor ends:
//! `next()` on it waits for ever, and so does its drop, unless there is a
//! [`shutdown_timeout`](ParStateful::shutdown_timeout). Fork before the first run starts, or leave the child by `exec` or
//! `_exit`, which drop nothing; [`std::process::Command`] does that by itself. A run that is made in the child has threads
//! of its own, as far as the rest of the program bears it: a lock that another thread held at the fork stays
//! locked. A worker that forks is bound by the same, and its child must not return from `call`.
#![forbid(unsafe_code)]
#![cfg_attr(mtask_docs, feature(doc_cfg), doc(auto_cfg = false))]

/// The crate that draws the bars, in the version that [`ProgressOptions`] takes the types of.
#[cfg(feature = "progress")]
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
#[doc(no_inline)]
pub use indicatif;
pub use mtask_core::*;
pub use mtask_macros::delayed_init;

/// What most programs import.
pub mod prelude {
    #[cfg(feature = "progress")]
    #[doc(no_inline)]
    pub use mtask_core::ProgressOptions;
    #[doc(no_inline)]
    pub use mtask_core::{
        BuildError, CancelHandle, Context, Ended, ParStatefulExt, Pool, Retry, Spec, TaskError,
        TaskErrorKind, TaskErrors, Worker, init_fn, par_map, par_stateful, par_stateful_local,
        par_stateful_ok, par_stateful_try, worker_fn,
    };
    #[cfg(feature = "stream")]
    #[doc(no_inline)]
    pub use mtask_core::{ParStatefulStreamExt, par_stateful_stream};
    #[cfg(feature = "processes")]
    #[doc(no_inline)]
    pub use mtask_core::{Processes, RemoteError, RemoteSpec};
    #[doc(no_inline)]
    pub use mtask_macros::delayed_init;
}
