//! The engine of [mtask](https://docs.rs/mtask): use it through that crate.
//!
//! | Module | What it holds |
//! |---|---|
//! | `worker`, `spec`, `error` | what a user writes and gets |
//! | `par`, `iter` | the front: the iterator, its options and adaptors; the stream |
//! | [`backend`] | what the front asks of a place where workers live |
//! | `bridge` | the bounded structure between source, workers and consumer |
//! | [`threads`], `inline` | the backends |
//! | `pool` | workers that are kept from one run to the next |
//! | `messages` | bounds that are there for what the compiler says |
//! | `life` | one worker, from build to end |
//! | `source`, `stage` | the source, and runs that are a source |
//! | `progress` | how a run is shown while it goes: its bar, its workers, their items |
//! | `trace` | what it tells a subscriber of `tracing` |

#![cfg_attr(
    loom,
    allow(
        dead_code,
        unnameable_types,
        unreachable_pub,
        unused_imports,
        reason = "the models need the bridge alone"
    )
)]

mod bridge;
mod care;
mod context;
mod error;
mod finish;
mod messages;
mod spec;
mod sync;
mod worker;

#[cfg(not(loom))]
pub mod backend;
#[cfg(not(loom))]
mod cancel;
#[cfg(not(loom))]
mod inline;
#[cfg(not(loom))]
mod iter;
#[cfg(not(loom))]
mod life;
#[cfg(not(loom))]
mod par;
#[cfg(not(loom))]
mod pool;
#[cfg(all(feature = "processes", not(loom)))]
pub mod processes;
#[cfg(all(feature = "progress", not(loom)))]
mod progress;
#[cfg(not(loom))]
mod source;
#[cfg(not(loom))]
mod stage;
#[cfg(not(loom))]
mod stats;
#[cfg(not(loom))]
pub mod threads;
#[cfg(not(loom))]
mod trace;

pub use context::Context;
pub use error::{BuildError, TaskError, TaskErrorKind, TaskErrors};
pub use finish::Finish;
pub use spec::{
    BoxSpec, FnSpec, FnWorker, InitSpec, OkSpec, OkWorker, Spec, Summing, TrySpec, TryWorker,
    init_fn, worker_fn,
};
pub use worker::Worker;

/// The crate that draws the bars, in the version that [`ProgressOptions`] takes the types of.
#[cfg(feature = "progress")]
pub use indicatif;

#[cfg(not(loom))]
pub use cancel::CancelHandle;
#[cfg(not(loom))]
pub use inline::Inline;
#[cfg(not(loom))]
pub use iter::{
    DeferErrors, FlattenErrors, HasRun, PropagatePanics, RunInfo, Startable, StopOnError,
    Summarized, TaskIterator, Tasks,
};
#[cfg(not(loom))]
pub use par::{
    ParMap, ParStateful, ParStatefulExt, ParStatefulInline, ParStatefulLocal, ParStatefulOk,
    ParStatefulTry, par_map, par_stateful, par_stateful_local, par_stateful_ok, par_stateful_try,
};
#[cfg(all(feature = "stream", not(loom)))]
pub use par::{ParStatefulAsync, ParStatefulStream, ParStatefulStreamExt, par_stateful_stream};
#[cfg(not(loom))]
pub use pool::{Pool, PoolMap};
#[cfg(all(feature = "json", not(loom)))]
pub use processes::Json;
#[cfg(all(feature = "processes", not(loom)))]
pub use processes::{Processes, RemoteBoxSpec, RemoteError, RemoteSpec, init};
#[cfg(all(feature = "progress", not(loom)))]
pub use progress::{ItemBar, ProgressOptions, ProgressWriter};
#[cfg(not(loom))]
pub use stats::{Bottleneck, Stats, WorkerState, WorkerStats};
#[cfg(not(loom))]
pub use threads::{Scope, scope};

/// What the expansion of `#[delayed_init]` names: no part of the interface.
#[doc(hidden)]
pub mod __private;
