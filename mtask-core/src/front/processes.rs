//! Workers in processes: a crash costs one item, and a time limit is real.
//!
//! `par_stateful(iter, specs).backend(Processes::new())` runs each worker in a child process: this
//! program once more, which builds the worker from its spec. The options, the adaptors and the
//! promises are those of threads. What it buys:
//!
//! - A worker that segfaults, aborts, overflows its stack, calls `exit`, is killed or runs out of memory
//!   costs the item in hand, [`WorkerLost`](crate::TaskErrorKind::WorkerLost) with the signal or the exit
//!   code; it is built again, and everything else arrives.
//! - [Time limits](Processes::task_timeout), [memory limits](Processes::memory_limit) and an
//!   [environment](Processes::env) for each worker, `CUDA_VISIBLE_DEVICES` for example.
//! - C libraries that are not thread-safe.
//!
//! Three things are asked for: `#[delayed_init(remote)]` on the worker or the function, which makes its
//! spec serde and registers it; serde for what goes in and comes out; and [`init`] as the first line of
//! `main`, or [`test_entry!`](crate::test_entry) in a test program.
//!
//! ```
//! use mtask::prelude::*;
//! use mtask::Processes;
//!
//! struct Divider {
//!     by: u64,
//! }
//!
//! #[delayed_init(remote)]
//! impl Divider {
//!     fn new(by: u64) -> Self {
//!         Self { by } // runs in the worker's process
//!     }
//!
//!     fn call(&mut self, x: u64) -> u64 {
//!         if x == 13 {
//!             std::process::abort(); // as a library might, on bad input
//!         }
//!         x / self.by
//!     }
//! }
//!
//! fn main() {
//!     mtask::init();
//!     let specs = Divider::spec(2).times(2);
//!     for (x, half) in par_stateful(0..100, specs).backend(Processes::new()).enumerate() {
//!         match half {
//!             Ok(half) => assert_eq!(half, x as u64 / 2),
//!             Err(error) => {
//!                 assert_eq!(error.index(), Some(13));
//!                 assert_eq!(error.kind(), TaskErrorKind::WorkerLost);
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! # What is promised
//!
//! - An item is run at most once, except those that were in one frame with an item that ended the
//!   process: these are run again, one at a time, so that only the guilty one errs.
//! - When the program dies, by whatever cause, its children die with it, busy ones included.
//! - A worker that is the only one has its items in their order, also after it was built again; but what is
//!   tried again comes after others that were sent with it.
//! - A panic crosses as its message and its place, and costs one item, as in threads; with
//!   `panic = "abort"` it is a lost worker, with `SIGABRT` as its signal, or a failed build.
//! - What a worker has started ends with its process, at a time limit, a crash and the end of the run; a program
//!   that is to outlive it calls `setsid`, as `setsid(1)` does.
//! - Children keep no descriptor of the program but standard error (on Linux; on macOS, none that is
//!   close-on-exec), and where memory runs out Linux ends them before the program (`oom_score_adj`).
//! - They have no terminal: nothing that they print there stops them.
//! - What goes wrong after the last item is not lost: a process that dies in `finish` leaves an error among the
//!   summaries, and one that panics or dies while its worker is dropped is counted in the
//!   [statistics](crate::Stats::unclean_ends).
//! - Dropping the iterator waits for the item in progress, as in threads, but for no longer than 5 s or the
//!   [`shutdown_timeout`](crate::ParStateful::shutdown_timeout): its process is killed then, with all that it has
//!   started. So does an [`abort`](crate::CancelHandle::abort), which yields what is in flight. A whole run waits for each
//!   process's end without a limit, unless there is a [`finish_timeout`](crate::ParStateful::finish_timeout).
//! - In a list of processes a child is called `mtask-worker`. From `init` on it leads a session of its own, so that
//!   Ctrl-C and Ctrl-Z at a terminal reach the program alone: the one ends the children with it, the other
//!   leaves them at the items in hand.
//! - What a worker prints to its standard output goes to the program's standard error. Its standard
//!   input is empty.
//!
//! # Kept from run to run
//!
//! A [`Pool`](crate::Pool) keeps the processes, and what the workers in them hold:
//!
//! ```
//! use mtask::prelude::*;
//! use mtask::{Pool, Processes};
//!
//! struct Counter {
//!     seen: u32,
//! }
//!
//! #[delayed_init(remote)]
//! impl Counter {
//!     fn new() -> Self {
//!         Self { seen: 0 }
//!     }
//!
//!     fn call(&mut self, _word: &str) -> (u32, u32) {
//!         self.seen += 1;
//!         (std::process::id(), self.seen)
//!     }
//! }
//!
//! fn main() -> Result<(), TaskError> {
//!     mtask::init();
//!     let mut pool = Pool::new([Counter::spec()]).backend(Processes::new());
//!     let first: Vec<_> = pool.map(["the", "cat"].map(str::to_owned)).collect::<Result<_, _>>()?;
//!     let second: Vec<_> = pool.map(["sat"].map(str::to_owned)).collect::<Result<_, _>>()?;
//!     assert_eq!(second[0], (first[0].0, 3));
//!     Ok(())
//! }
//! ```
//!
//! # What it costs
//!
//! Some milliseconds for each child to start, and what it takes to build the worker; for each item, to
//! encode and decode it and its output, in the form of [postcard](https://docs.rs/postcard); for each frame of
//! items, which are as many as take a millisecond, two system calls on either side. Bytes are
//! best sent as `serde_bytes::ByteBuf`, which is copied as a whole where a `Vec<u8>` goes byte by byte.
//!
//! # What can be sent
//!
//! Whatever is serde and is read as it was written. The form has no names in it, so that some things need
//! `Json<T>` around them (feature `json`), and are errors without it that say so: fields that are left out
//! (`skip_serializing_if`), untagged and internally tagged enums, `#[serde(flatten)]`, `serde_json::Value`, sequences
//! that do not know their length. A path that is not UTF-8 is none that serde writes: send its bytes.
//!
//! Values may lie 512 deep in each other. What is read may take 64 MiB of memory, and eight bytes more for each that
//! was sent; so nobody can be made to allocate without limit.
//!
//! # Where it runs
//!
//! Linux, where it is tested, and macOS. On Windows a program with it compiles, and its run is a single
//! error of the kind [`StartFailed`](crate::TaskErrorKind::StartFailed), caused by an
//! [`Unsupported`](std::io::ErrorKind::Unsupported) that says so.
//!
//! `README.md` beside the source of this module explains the protocol.

#[cfg(feature = "json")]
pub use crate::backend::processes::Json;
pub use crate::backend::processes::{Processes, RemoteBoxSpec, RemoteError, RemoteSpec, init};

#[cfg(feature = "progress")]
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "progress")]
use crate::{ParStateful, Worker, par_stateful};

/// [`par_stateful`] in processes, with the progress bar on: `pqdm(iter, specs)` is
/// `par_stateful(iter, specs).backend(Processes::new()).progress("")`, and takes the same options
/// after it.
///
/// The name is that of the Python wrapper around tqdm which mtasklite offers.
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
/// use mtask::processes::pqdm;
///
/// #[delayed_init(remote)]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn main() -> Result<(), TaskError> {
///     mtask::init();
///     let squares: Vec<u64> = pqdm(1..=5, square::spec().times(2)).collect::<Result<_, _>>()?;
///     assert_eq!(squares, [1, 4, 9, 16, 25]);
///     Ok(())
/// }
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
#[cfg(feature = "progress")]
#[track_caller]
pub fn pqdm<I, S, W>(
    iter: I,
    specs: impl IntoIterator<Item = S>,
) -> ParStateful<I::IntoIter, S, W, Processes>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    par_stateful(iter, specs).backend(Processes::new()).progress("")
}
