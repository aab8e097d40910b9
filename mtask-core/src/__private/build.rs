//! What a constructor or an `#[init]` expression may return.

use std::marker::PhantomData;

use crate::BuildError;
use crate::error::BoxError;

/// What a constructor may return to make a `W`.
#[diagnostic::on_unimplemented(
    message = "the constructor of `{W}` cannot return `{Self}`",
    label = "expected `Self` or `Result<Self, E>`",
    note = "a constructor that can fail returns `Result<Self, E>`, where `E` is an error or a message"
)]
pub trait Built<W> {
    /// The worker, or what kept it from being made.
    fn into_built(self) -> Result<W, BuildError>;
}

impl<W> Built<W> for W {
    fn into_built(self) -> Result<W, BuildError> {
        Ok(self)
    }
}

impl<W, E: BuildFailure> Built<W> for Result<W, E> {
    fn into_built(self) -> Result<W, BuildError> {
        self.map_err(|cause| InitError::from(cause.into_cause()).0)
    }
}

/// What a constructor may fail with.
#[diagnostic::on_unimplemented(
    message = "the constructor cannot fail with `{Self}`: it does not convert into \
               `Box<dyn Error + Send + Sync>`",
    label = "this error does not convert",
    note = "implement `std::error::Error` for it, with the error `Send`, `Sync` and `'static`, or \
            map it to one that does",
    note = "a `Box<dyn Error>` lacks `Send` and `Sync`: write `Box<dyn Error + Send + Sync>`"
)]
pub trait BuildFailure {
    /// The error, boxed.
    fn into_cause(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> BuildFailure for E {
    fn into_cause(self) -> BoxError {
        self.into()
    }
}

/// What a constructor returned, as a spec returns it.
///
/// The marker tells the worker's type: to infer it would be to take whatever is returned for it.
pub fn built<W, R: Built<W>>(_: PhantomData<W>, returned: R) -> Result<W, BuildError> {
    returned.into_built()
}

/// What `?` in an `#[init]` expression makes of an error.
///
/// No `Error` itself, so that it can be made from all of them.
#[derive(Debug)]
pub struct InitError(BuildError);

impl<E: Into<BoxError>> From<E> for InitError {
    fn from(cause: E) -> Self {
        // A constructor may pass on the failed build of a worker inside it: one layer is enough.
        match cause.into().downcast::<BuildError>() {
            Ok(error) => Self(*error),
            Err(cause) => Self(BuildError::new(cause)),
        }
    }
}

/// Runs the `#[init]` expressions of a struct.
pub fn init<W>(fields: impl FnOnce() -> Result<W, InitError>) -> Result<W, BuildError> {
    fields().map_err(|error| error.0)
}

/// The type of a bare `#[init]` field.
#[diagnostic::on_unimplemented(
    message = "a bare `#[init]` needs `Default`, which `{Self}` does not implement",
    label = "not `Default`",
    note = "write the expression that makes it: `#[init(..)]`"
)]
pub trait InitField {
    /// The default value.
    fn init_field() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> InitField for T {
    fn init_field() -> Self {
        T::default()
    }
}
