//! How an argument is kept in a spec.
//!
//! The blanket impls are hidden from diagnostics, so that a type that lacks them is told about in
//! the words of the trait and not by the requirement beneath.

/// An argument that each build takes a clone of.
#[diagnostic::on_unimplemented(
    message = "a spec cannot record `{Self}`: it is not `Clone`",
    label = "not `Clone`",
    note = "a spec is cloned for each worker, and its arguments for each build",
    note = "derive `Clone` for the type, take an `Arc` of it, or make the value inside the worker"
)]
pub trait CloneArgument: Clone {
    /// A clone for one build.
    fn clone_argument(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneArgument for T {
    fn clone_argument(&self) -> Self {
        self.clone()
    }
}

/// What is behind a borrowed argument: stored owned, lent again.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be stored owned: `{Self}` is not `ToOwned`",
    label = "not `ToOwned`",
    note = "a borrowed argument is stored owned and lent to the worker's own thread",
    note = "derive `Clone` for the type, or take an `Arc` of it"
)]
pub trait LendArgument: ToOwned {}

#[diagnostic::do_not_recommend]
impl<T: ToOwned + ?Sized> LendArgument for T {}
