//! What an argument must be to be kept in a spec.

/// An argument that each build takes a clone of.
#[diagnostic::on_unimplemented(
    message = "a spec cannot record `{Self}`, which is not `Clone`",
    label = "not `Clone`",
    note = "a spec is cloned for each worker, and its arguments for each build",
    note = "derive `Clone` for the type, take an `Arc` of it, or make the value inside the worker"
)]
pub trait CloneArgument {
    /// A clone for one build.
    fn clone_argument(&self) -> Self;
}

// Hidden, so that a type without `Clone` is told about in the words above.
#[diagnostic::do_not_recommend]
impl<T: Clone> CloneArgument for T {
    fn clone_argument(&self) -> Self {
        self.clone()
    }
}
