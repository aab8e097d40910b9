//! What a worker is.

use crate::Context;

/// A value with state that turns one input into one output.
///
/// A worker lives on one thread from its build to its drop, so it needs to be neither `Send` nor
/// `Sync`: an `Rc`, a raw device handle or an interpreter may be its state. It is made from a
/// [`Spec`](crate::Spec), by hand or by `#[delayed_init]`.
///
/// Which items come to which worker is not said, nor in which order: one that has nothing to do
/// takes over what another had claimed, which may come before what it has run. One worker alone runs
/// them in the order of the input.
///
/// # Panics
///
/// A panic in [`call`](Worker::call) costs that one item
/// ([`TaskErrorKind::Panicked`](crate::TaskErrorKind::Panicked)); the worker is dropped and built
/// anew for the next item, since its state may be torn.
///
/// # Examples
///
/// ```
/// use mtask::Worker;
///
/// struct Count {
///     seen: usize,
/// }
///
/// impl Worker for Count {
///     type Input = String;
///     type Output = (usize, usize);
///
///     fn call(&mut self, line: String) -> (usize, usize) {
///         self.seen += 1;
///         (self.seen, line.len())
///     }
/// }
///
/// assert_eq!(Count { seen: 0 }.call("four".to_owned()), (1, 4));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a worker: it has no `call`",
    label = "not a worker",
    note = "write `fn call(&mut self, input: T) -> U` in an `impl` block with `#[delayed_init]`, or implement `Worker`"
)]
pub trait Worker {
    /// What the worker takes: one item of the source.
    type Input;
    /// What it makes of it. A worker that can fail makes a `Result`.
    type Output;

    /// Turns one input into one output.
    fn call(&mut self, input: Self::Input) -> Self::Output;

    /// As [`call`](Worker::call), for a worker that wants to know which item it has, or whether the run
    /// was cancelled. It is what a run calls; by itself it does nothing but `call`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::{Context, Spec, Worker, init_fn, par_stateful};
    ///
    /// struct Numbered;
    ///
    /// impl Worker for Numbered {
    ///     type Input = char;
    ///     type Output = String;
    ///
    ///     fn call(&mut self, letter: char) -> String {
    ///         self.call_with(letter, &Context::detached())
    ///     }
    ///
    ///     fn call_with(&mut self, letter: char, context: &Context<'_>) -> String {
    ///         format!("{}{letter}", context.index())
    ///     }
    /// }
    ///
    /// assert_eq!(Numbered.call('a'), "0a");
    /// ```
    #[inline]
    fn call_with(&mut self, input: Self::Input, context: &Context<'_>) -> Self::Output {
        let _ = context;
        self.call(input)
    }

    /// What becomes of an input for which no worker has to be there, as of an error that an earlier stage
    /// passes on: its output, or the input as it was.
    #[doc(hidden)]
    #[inline]
    fn pass(input: Self::Input) -> Result<Self::Output, Self::Input>
    where
        Self: Sized,
    {
        Err(input)
    }

    /// Errors in its outputs were errors before: of the source, or made by the worker itself.
    #[doc(hidden)]
    fn passes_errors() -> bool
    where
        Self: Sized,
    {
        false
    }
}

#[diagnostic::do_not_recommend]
impl<W: Worker + ?Sized> Worker for Box<W> {
    type Input = W::Input;
    type Output = W::Output;

    fn call(&mut self, input: W::Input) -> W::Output {
        (**self).call(input)
    }

    fn call_with(&mut self, input: W::Input, context: &Context<'_>) -> W::Output {
        (**self).call_with(input, context)
    }
}
