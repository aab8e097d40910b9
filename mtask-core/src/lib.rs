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

#![cfg_attr(mtask_docs, feature(doc_cfg), doc(auto_cfg = false))]
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
mod context;
mod ended;
mod error;
mod finish;
#[cfg(all(feature = "progress", not(loom)))]
mod item_bar;
mod messages;
mod retry;
pub mod spec;
mod sync;
mod worker;

#[cfg(not(loom))]
pub mod backend;
#[cfg(not(loom))]
mod front;
#[cfg(not(loom))]
mod observe;
#[cfg(not(loom))]
mod run;

pub use context::Context;
pub use ended::Ended;
pub use error::{BuildError, TaskError, TaskErrorKind, TaskErrors};
pub use finish::Finish;
pub use retry::Retry;
#[doc(inline)]
pub use spec::{BoxSpec, Spec, init_fn, worker_fn};
pub use worker::Worker;

#[cfg(all(feature = "json", not(loom)))]
pub use front::processes::Json;
#[cfg(all(feature = "processes", not(loom)))]
pub use front::processes::{self, Processes, RemoteError, RemoteSpec, init};
#[cfg(not(loom))]
pub use front::threads;
#[cfg(not(loom))]
pub use front::{
    ParStateful, ParStatefulExt, Pool, Scope, par_map, par_stateful, par_stateful_local,
    par_stateful_ok, par_stateful_try, scope,
};
#[cfg(all(feature = "stream", not(loom)))]
pub use front::{ParStatefulStreamExt, par_stateful_stream};
#[cfg(all(feature = "progress", not(loom)))]
pub use item_bar::ItemBar;
#[cfg(all(feature = "progress", not(loom)))]
pub use observe::progress::{ProgressOptions, ProgressWriter};
#[cfg(not(loom))]
pub use observe::stats::{Bottleneck, Stats, WorkerState, WorkerStats};
#[cfg(not(loom))]
pub use run::cancel::CancelHandle;

/// The types of runs and of their adaptors: what the functions and methods give, and a program writes only where it
/// names the type of a run, as in a field or a bound.
#[cfg(not(loom))]
pub mod iter {
    pub use crate::front::{
        DeferErrors, FlattenErrors, HasRun, NextTask, ParMap, ParStatefulInline, ParStatefulLocal,
        ParStatefulOk, ParStatefulTry, PoolMap, PropagatePanics, RunInfo, Startable, StopOnError,
        Summarized, TaskIterator, Tasks,
    };
    #[cfg(feature = "stream")]
    pub use crate::front::{ParStatefulStream, PollTask};
}

/// What the expansion of `#[delayed_init]` names, and hidden parts of public traits: no part of the interface.
#[doc(hidden)]
pub mod __private;
