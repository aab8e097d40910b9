//! The short form with the bar on.

use serde::{Serialize, de::DeserializeOwned};

use super::{Processes, RemoteSpec};
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
