//! What a worker can know of the run it is in.

use std::fmt;

#[cfg(all(feature = "progress", not(loom)))]
use crate::item_bar::{BarPlace, ItemBar};
#[cfg(all(feature = "progress", not(loom)))]
use crate::sync::Arc;

/// What a worker can know of the item in hand and of its run.
///
/// It is asked for by an argument of type `&Context<'_>` of a `call` under `#[delayed_init]`, or by
/// [`Worker::call_with`](crate::Worker::call_with); a worker that does not ask for it pays nothing.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
///
/// struct Lines;
///
/// #[delayed_init]
/// impl Lines {
///     fn new() -> Self {
///         Self
///     }
///
///     fn call(&mut self, line: String, context: &Context<'_>) -> String {
///         format!("{}: {line}", context.index())
///     }
/// }
///
/// let lines = ["a", "b"].map(str::to_owned);
/// let numbered = par_stateful(lines, Lines::spec().times(2)).propagate_panics();
/// assert_eq!(numbered.collect::<Vec<_>>(), ["0: a", "1: b"]);
/// ```
#[derive(Clone, Copy)]
pub struct Context<'a> {
    worker: usize,
    index: usize,
    attempt: usize,
    /// `None` outside of any run.
    run: Option<&'a (dyn InRun + Sync)>,
}

/// What a context asks of its run, wherever that is.
pub(crate) trait InRun {
    /// The run ends early.
    fn is_cancelled(&self) -> bool;

    /// Where bars of its workers are shown, if anywhere.
    #[cfg(all(feature = "progress", not(loom)))]
    fn bar_place(&self) -> Option<Arc<dyn BarPlace>> {
        None
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(worker: usize, index: usize, run: &'a (dyn InRun + Sync)) -> Self {
        Self { worker, index, attempt: 1, run: Some(run) }
    }

    /// For a call outside of any run, as in a test: worker 0, item 0, never cancelled.
    pub fn detached() -> Self {
        Self { worker: 0, index: 0, attempt: 1, run: None }
    }

    /// The same for another item.
    #[inline(always)]
    pub(crate) fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    pub(crate) fn at_attempt(self, attempt: usize) -> Self {
        Self { attempt, ..self }
    }

    /// The 0-based position of this worker's spec in the list of specs.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// The 0-based position of the item in the source.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How often the item has been begun, this time included: more than 1 only with
    /// [`retries`](crate::ParStateful::retries).
    pub fn attempt(&self) -> usize {
        self.attempt
    }

    /// The run was cancelled: dropped, or by a [`CancelHandle`](crate::CancelHandle). A worker at a long
    /// item may look now and then, and return early with whatever its output has for that; after a drop nobody
    /// will see it. In a process it is seen after a drop alone.
    pub fn is_cancelled(&self) -> bool {
        self.run.is_some_and(|run| run.is_cancelled())
    }

    /// A bar for the item in hand, for a worker that knows how far it is with it: below the bar of the run,
    /// until it is dropped. With the feature `progress`, which is on by default.
    ///
    /// It is hidden where the run's own bar is not on a terminal or has no bars beside it, as one of the
    /// caller's may; also in a process and outside of a run. Like any bar it may be given a message or a
    /// style.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::Context;
    /// use mtask::prelude::*;
    ///
    /// struct Lengths;
    ///
    /// #[delayed_init]
    /// impl Lengths {
    ///     fn new() -> Self {
    ///         Self
    ///     }
    ///
    ///     fn call(&mut self, chapters: Vec<&'static str>, context: &Context<'_>) -> usize {
    ///         let bar = context.bar(chapters.len() as u64);
    ///         bar.wrap_iter(chapters.iter()).map(|chapter| chapter.len()).sum()
    ///     }
    /// }
    ///
    /// let books = [vec!["one", "two"], vec!["three"]];
    /// let lengths = par_stateful(books, Lengths::spec().times(2)).progress("counting");
    /// assert_eq!(lengths.propagate_panics().collect::<Vec<_>>(), [6, 5]);
    /// ```
    #[cfg_attr(mtask_docs, doc(cfg(feature = "progress")))]
    #[cfg(all(feature = "progress", not(loom)))]
    pub fn bar(&self, length: u64) -> ItemBar {
        ItemBar::new(self.run.and_then(|run| run.bar_place()), self.worker, length)
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("worker", &self.worker)
            .field("index", &self.index)
            .field("attempt", &self.attempt)
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}
