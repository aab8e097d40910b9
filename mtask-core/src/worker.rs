//! What a worker is.

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
}

#[diagnostic::do_not_recommend]
impl<W: Worker + ?Sized> Worker for Box<W> {
    type Input = W::Input;
    type Output = W::Output;

    fn call(&mut self, input: W::Input) -> W::Output {
        (**self).call(input)
    }
}
