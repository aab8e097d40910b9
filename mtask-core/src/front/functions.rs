//! The functions that make a run.

use super::{ParStateful, ParStatefulLocal};
use crate::backend::Local;
use crate::backend::threads::Threads;
use crate::messages::{IntoCause, SentOutput, SentSource, SpecList, StageResult, Takes};
use crate::spec::{FnSpec, FnWorker, OkSpec, OkWorker, TrySpec, TryWorker};
use crate::{Spec, TaskError, Worker, worker_fn};

/// A run of clones of one function; made by [`par_map`].
pub type ParMap<I, F, O, B = Threads> =
    ParStateful<I, FnSpec<F, <I as Iterator>::Item, O>, FnWorker<F, <I as Iterator>::Item, O>, B>;

/// Maps an iterator through stateful workers, one for each spec, in threads.
///
/// Gives a lazy iterator: nothing is pulled, spawned or built before its first `next()`. It yields
/// exactly one item for each input, in input order unless [`unordered`](ParStateful::unordered),
/// and never has more than a window of items in flight. `specs` are collected here; each worker is
/// built from its spec on its own thread, when it takes its first item.
///
/// The source is pulled by the workers, off the consumer's thread, so that reading, working and
/// writing overlap; only the very first item of a source that may be empty is pulled in the first
/// `next()`, so that nothing is spawned for none.
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use mtask::{Spec, par_stateful, worker_fn};
///
/// let specs = worker_fn(|x: u64| x * x).times(4);
/// let squares: Vec<u64> = par_stateful(1..=5, specs).collect::<Result<_, _>>()?;
/// assert_eq!(squares, [1, 4, 9, 16, 25]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[track_caller]
pub fn par_stateful<I, S, W>(iter: I, specs: impl SpecList<S>) -> ParStateful<I::IntoIter, S, W>
where
    I: IntoIterator,
    I::IntoIter: SentSource + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker + Takes<I::Item, <W as Worker>::Input> + Worker<Input = I::Item>,
    W::Output: SentOutput + 'static,
{
    ParStateful::new(iter.into_iter(), specs_of(specs), Threads::new())
}

/// As [`par_stateful`], for a source that is `!Send` or borrows, while its items do neither.
///
/// The source stays with the consumer, whose `next()` pulls it: enough to keep the workers busy
/// and no more than the window, and it is held while the source blocks. For items that borrow
/// there is [`scope`](crate::scope).
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
///
/// use mtask::{Spec, par_stateful_local, worker_fn};
///
/// let words = Rc::new(["a", "bc"]);
/// let source = words.iter().map(|word| word.to_string()); // borrows, and could not be sent
/// let specs = worker_fn(|word: String| word.len()).times(2);
/// let lengths: Vec<usize> = par_stateful_local(source, specs).propagate_panics().collect();
/// assert_eq!(lengths, [1, 2]);
/// ```
#[track_caller]
pub fn par_stateful_local<I, S, W>(
    iter: I,
    specs: impl SpecList<S>,
) -> ParStatefulLocal<I::IntoIter, S, W>
where
    I: IntoIterator,
    S: Spec<W>,
    W: Worker + Takes<I::Item, <W as Worker>::Input> + Worker<Input = I::Item>,
{
    ParStateful::new(iter.into_iter(), specs_of(specs), Local::default())
}

/// Maps an iterator through `n` clones of a function: [`par_stateful`] over
/// [`worker_fn(f).times(n)`](worker_fn).
///
/// # Panics
///
/// Where `n` is 0.
///
/// # Examples
///
/// ```
/// use mtask::par_map;
///
/// let lengths: Result<Vec<_>, _> = par_map(["a", "bc"], 2, |s: &str| s.len()).collect();
/// assert_eq!(lengths?, [1, 2]);
/// # Ok::<(), mtask::TaskError>(())
/// ```
#[track_caller]
pub fn par_map<I, F, O>(iter: I, n: usize, f: F) -> ParMap<I::IntoIter, F, O>
where
    I: IntoIterator,
    I::IntoIter: SentSource + 'static,
    I::Item: Send + 'static,
    F: FnMut(I::Item) -> O + Clone + Send + 'static,
    O: Send + 'static,
{
    asks_for_workers(n);
    par_stateful(iter, worker_fn(f).times(n))
}

/// A run of a stage behind another one; made by [`par_stateful_ok`].
pub type ParStatefulOk<I, S, W, E> = ParStateful<I, OkSpec<S, E>, OkWorker<W, E>>;

/// As [`par_stateful`], for a source that may fail, as an earlier stage may: an `Ok` goes through a worker,
/// an error passes in its place, untouched and without a worker.
///
/// Each stage has its own workers, window and options. A failure of this stage is the outer error of an item,
/// one that comes through it is the inner one; [`flatten_errors`](ParStateful::flatten_errors) makes one of both: an
/// error of an earlier stage stays what it was, and any other error of the source is one of kind
/// [`Source`](crate::TaskErrorKind::Source), with its index and no worker. A bar at the last stage shows the whole: it has the
/// length of the first source. Dropping the last stage, or an error under its
/// [`stop_on_error`](ParStateful::stop_on_error), ends all of them. With `.backend(Processes::new())` a stage
/// is in processes; what passes does not cross, and need not be serde.
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
///
/// let parsed = ["1", "x", "3"]
///     .into_iter()
///     .par_stateful(worker_fn(|text: &str| text.parse::<u32>()).times(2))
///     .flatten_errors();
/// let halves: Vec<Result<u32, TaskError>> = parsed
///     .par_stateful_ok(worker_fn(|x: u32| 100 / x).times(2))
///     .flatten_errors()
///     .collect();
/// assert_eq!(halves[0].as_ref().unwrap(), &100);
/// assert_eq!(halves[1].as_ref().unwrap_err().index(), Some(1)); // of the first stage, as it was
/// assert_eq!(halves[2].as_ref().unwrap(), &33);
/// ```
#[track_caller]
pub fn par_stateful_ok<I, S, W, E>(
    iter: I,
    specs: impl SpecList<S>,
) -> ParStatefulOk<I::IntoIter, S, W, E>
where
    I: IntoIterator<Item = Result<W::Input, E>>,
    I::IntoIter: SentSource + 'static,
    W::Input: Send + 'static,
    E: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker,
    W::Output: Send + 'static,
{
    par_stateful(iter, specs.into_iter().map(OkSpec::new))
}

/// A run of a stage that may fail behind another one; made by [`par_stateful_try`].
pub type ParStatefulTry<I, S, W> = ParStateful<I, TrySpec<S>, TryWorker<W>>;

/// As [`par_stateful_ok`], for workers that may fail themselves: what `Result::and_then` is to `map`.
///
/// Their errors become a [`TaskError`] of kind [`Failed`](crate::TaskErrorKind::Failed), with index and
/// worker, so that stage after stage has items of one type. In processes the worker's own error has to be serde,
/// as every output, and convert into a boxed error: `String` is such, and `RemoteError`.
///
/// # Panics
///
/// Where there is no spec.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
///
/// fn read(text: &'static str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// fn invert(x: u32) -> Result<u32, &'static str> {
///     if x == 0 { Err("nothing to divide by") } else { Ok(100 / x) }
/// }
///
/// let results: Vec<Result<u32, TaskError>> = ["1", "x", "0"]
///     .into_iter()
///     .par_stateful(worker_fn(read).times(2))
///     .flatten_errors()
///     .par_stateful_try(worker_fn(invert).times(2))
///     .flatten_errors()
///     .collect();
/// assert_eq!(results[0].as_ref().unwrap(), &100);
/// assert!(format!("{:#}", results[1].as_ref().unwrap_err()).contains("invalid digit"));
/// assert!(format!("{:#}", results[2].as_ref().unwrap_err()).contains("nothing to divide by"));
/// ```
#[track_caller]
pub fn par_stateful_try<I, S, W, T, E>(
    iter: I,
    specs: impl SpecList<S>,
) -> ParStatefulTry<I::IntoIter, S, W>
where
    I: IntoIterator,
    I::Item: StageResult,
    I: IntoIterator<Item = Result<W::Input, TaskError>>,
    I::IntoIter: SentSource + 'static,
    W::Input: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Output = Result<T, E>>,
    T: Send + 'static,
    E: IntoCause,
{
    par_stateful(iter, specs.into_iter().map(TrySpec))
}

/// [`par_stateful`] and [`par_map`] as methods of every iterator.
///
/// # Examples
///
/// ```
/// use mtask::ParStatefulExt;
///
/// let lengths = ["a", "bc"].into_iter().par_map(2, |s: &str| s.len());
/// assert_eq!(lengths.propagate_panics().sum::<usize>(), 3);
/// ```
pub trait ParStatefulExt: Iterator + Sized {
    /// As the function [`par_stateful`].
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    fn par_stateful<S, W>(self, specs: impl SpecList<S>) -> ParStateful<Self, S, W>
    where
        Self: SentSource + 'static,
        Self::Item: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker + Takes<Self::Item, <W as Worker>::Input> + Worker<Input = Self::Item>,
        W::Output: SentOutput + 'static,
    {
        par_stateful(self, specs)
    }

    /// As the function [`par_stateful_ok`].
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    fn par_stateful_ok<S, W, E>(self, specs: impl SpecList<S>) -> ParStatefulOk<Self, S, W, E>
    where
        Self: Iterator<Item = Result<W::Input, E>> + Send + 'static,
        W::Input: Send + 'static,
        E: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker,
        W::Output: Send + 'static,
    {
        par_stateful_ok(self, specs)
    }

    /// As the function [`par_stateful_try`].
    ///
    /// # Panics
    ///
    /// Where there is no spec.
    #[track_caller]
    fn par_stateful_try<S, W, T, E>(self, specs: impl SpecList<S>) -> ParStatefulTry<Self, S, W>
    where
        Self::Item: StageResult,
        Self: Iterator<Item = Result<W::Input, TaskError>> + SentSource + 'static,
        W::Input: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker<Output = Result<T, E>>,
        T: Send + 'static,
        E: IntoCause,
    {
        par_stateful_try(self, specs)
    }

    /// As the function [`par_map`].
    ///
    /// # Panics
    ///
    /// Where `n` is 0.
    #[track_caller]
    fn par_map<F, O>(self, n: usize, f: F) -> ParMap<Self, F, O>
    where
        Self: Send + 'static,
        Self::Item: Send + 'static,
        F: FnMut(Self::Item) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        par_map(self, n, f)
    }
}

impl<I: Iterator> ParStatefulExt for I {}

/// Panics where a `par_map` is asked for without workers.
#[track_caller]
pub(crate) fn asks_for_workers(n: usize) {
    assert!(n > 0, "mtask: `par_map` with 0 workers runs nothing: give at least 1");
}

/// Collects the specs of a run.
#[track_caller]
pub(crate) fn specs_of<S>(specs: impl IntoIterator<Item = S>) -> Vec<S> {
    let specs: Vec<S> = specs.into_iter().collect();
    assert!(
        !specs.is_empty(),
        "mtask: `specs` is empty: give one spec for each worker, at least 1"
    );
    specs
}
