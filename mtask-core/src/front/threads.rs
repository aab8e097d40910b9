//! Workers in threads of this process.

pub use crate::backend::threads::{Scoped, Threads};
pub use crate::front::scope::{Scope, scope};

#[cfg(feature = "progress")]
use crate::{ParStateful, Spec, Worker, par_stateful};

/// [`par_stateful`] with the progress bar on: `pqdm(iter, specs)` is
/// `par_stateful(iter, specs).progress("")`, and takes the same options after it.
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
/// use mtask::threads::pqdm;
/// use mtask::{Spec, worker_fn};
///
/// let specs = worker_fn(|x: u64| x * x).times(4);
/// let squares: Vec<u64> = pqdm(1..=5, specs).collect::<Result<_, _>>()?;
/// assert_eq!(squares, [1, 4, 9, 16, 25]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
#[cfg(feature = "progress")]
#[track_caller]
pub fn pqdm<I, S, W>(iter: I, specs: impl IntoIterator<Item = S>) -> ParStateful<I::IntoIter, S, W>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    par_stateful(iter, specs).progress("")
}
