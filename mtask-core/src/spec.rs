//! The recorded arguments of a worker.

mod boxed;
mod function;
mod ok;
mod summing;

pub use boxed::BoxSpec;
#[cfg(all(feature = "processes", not(loom)))]
pub(crate) use boxed::BoxWorker;
pub use function::{FnSpec, FnWorker, InitSpec, init_fn, worker_fn};
pub use ok::{OkSpec, OkWorker, TrySpec, TryWorker};
pub use summing::Summing;

use std::iter::RepeatN;

use crate::finish::AnySummary;
use crate::{BuildError, Worker};

/// The recorded arguments of a worker: cheap to clone and to send, where the worker need be
/// neither.
///
/// [`build`](Spec::build) runs in the place where the worker will live, when its first item is
/// there. `#[delayed_init]` writes the spec type; [`worker_fn`] and [`init_fn`] make one from a
/// function. A spec type implements `Spec<W>` for one `W`, or [`times`](Spec::times) cannot be
/// inferred.
///
/// # Examples
///
/// A spec by hand, built and called in place as a test would:
///
/// ```
/// use mtask::{BuildError, Spec, Worker};
///
/// struct Scale(f64);
///
/// impl Worker for Scale {
///     type Input = f64;
///     type Output = f64;
///
///     fn call(&mut self, x: f64) -> f64 {
///         self.0 * x
///     }
/// }
///
/// #[derive(Clone)]
/// struct ScaleSpec {
///     factor: String,
/// }
///
/// impl Spec<Scale> for ScaleSpec {
///     fn build(&self) -> Result<Scale, BuildError> {
///         Ok(Scale(self.factor.parse().map_err(BuildError::new)?))
///     }
/// }
///
/// let spec = ScaleSpec { factor: "1.5".to_owned() };
/// assert_eq!(spec.build()?.call(2.0), 3.0);
/// assert!(ScaleSpec { factor: "x".to_owned() }.build().is_err());
/// # Ok::<(), BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a spec",
    label = "not a spec",
    note = "a worker is recorded here and built in its own thread: write `Type::spec(args)`, not `Type::new(args)`",
    note = "for a function or a closure, write `worker_fn(f)`"
)]
pub trait Spec<W>: Clone + Send {
    /// Makes the worker.
    ///
    /// # Errors
    ///
    /// Whatever kept the worker from being made. That costs no item: the build is made again, after pauses of 0.1 s
    /// doubled up to 30 s, as long as another worker of the run is built or being built. Where none can be,
    /// after three attempts of each if none ever was, the run ends with errors of the kind
    /// [`NoWorkerLeft`](crate::TaskErrorKind::NoWorkerLeft), of which the last failure is the source.
    fn build(&self) -> Result<W, BuildError>;

    /// Ends a worker, and gives its summary where this spec is one that asks for it.
    #[doc(hidden)]
    fn finish(&self, worker: W) -> Option<AnySummary> {
        drop(worker);
        None
    }

    /// This spec `n` times over: `n` workers of the same arguments.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Spec, worker_fn};
    ///
    /// assert_eq!(worker_fn(|s: String| s.len()).times(4).len(), 4);
    /// ```
    fn times(self, n: usize) -> RepeatN<Self> {
        std::iter::repeat_n(self, n)
    }

    /// Hides the worker's type, so that specs of different workers with the same input and output
    /// stand in one list. Costs one allocation a spec, one a worker, and a dynamic call an item.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Spec, Worker, worker_fn};
    ///
    /// let specs = [
    ///     worker_fn(|x: u64| x + 1).boxed(),
    ///     worker_fn(|x: u64| x * 2).boxed(),
    /// ];
    /// let outputs: Vec<u64> = specs.iter().map(|s| s.build().unwrap().call(5)).collect();
    /// assert_eq!(outputs, [6, 10]);
    /// ```
    fn boxed(self) -> BoxSpec<W::Input, W::Output>
    where
        W: Worker + 'static,
        Self: 'static,
    {
        BoxSpec::new(self)
    }
}
