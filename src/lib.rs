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
#![forbid(unsafe_code)]

pub use mtask_core::*;
pub use mtask_macros::delayed_init;

/// What most programs import.
pub mod prelude {
    #[cfg(feature = "progress")]
    pub use mtask_core::ProgressOptions;
    #[cfg(feature = "processes")]
    pub use mtask_core::RemoteSpec;
    pub use mtask_core::{
        BuildError, ParStatefulExt, Spec, TaskError, TaskErrorKind, TaskErrors, Worker, init_fn,
        par_map, par_stateful, par_stateful_local, par_stateful_ok, par_stateful_try, worker_fn,
    };
    #[cfg(feature = "stream")]
    pub use mtask_core::{ParStatefulStreamExt, par_stateful_stream};
    pub use mtask_macros::delayed_init;
}
