//! Bounds that hold wherever the bounds beside them do. They stand first, so that the compiler reports them, in
//! words that say what to write.
//!
//! Where an `impl` here is `do_not_recommend`, the compiler names its trait and not what the `impl` asks for; it
//! leaves out notes and labels then, so that the message says all.

use crate::error::BoxError;
use crate::{TaskError, Worker};

/// A worker whose `call` takes such items. No subtrait of [`Worker`]: the compiler would report it in place of that
/// where something is no worker at all.
#[diagnostic::on_unimplemented(
    message = "the worker takes `{Input}`, and the source gives `{Item}`",
    label = "each item is a `{Item}`",
    note = "`call` takes one item, owned (written `&str` or `&[T]`, that is a `String` or a `Vec<T>`): \
            for `&str` write `.map(str::to_owned)` at the source",
    note = "for a source of `Result`s, such as `lines()` or an earlier stage, write `par_stateful_ok(..)`",
    note = "for batches let the source group its items: with `.chunk_size(n)` too, `call` gets one item"
)]
pub trait Takes<Item, Input> {}

impl<W: Worker<Input = T>, T> Takes<T, T> for W {}

/// Applies to nothing. With one `impl` alone the compiler enters it, and reports that two types differ inside.
impl<W: Worker<Input = T>, T, U> Takes<T, U> for W where Nothing<W>: Never {}

#[doc(hidden)]
#[derive(Debug)]
pub struct Nothing<W>(W);

#[doc(hidden)]
pub trait Never {}

/// A list of specs.
#[diagnostic::on_unimplemented(
    message = "a run takes a list of specs, one for each worker: write `spec.times(n)`, or `[spec]` for one"
)]
pub trait SpecList<S>: IntoIterator<Item = S> {}

#[diagnostic::do_not_recommend]
impl<S, T: IntoIterator<Item = S>> SpecList<S> for T {}

/// A source that can be pulled in the workers' threads.
#[diagnostic::on_unimplemented(
    message = "workers pull the source in their threads, and this one is not `Send`: use `par_stateful_local(..)`, \
               or for standard input `stdin().lines()`, without `.lock()`"
)]
pub trait SentSource: Send {}

#[diagnostic::do_not_recommend]
impl<T: Send> SentSource for T {}

/// An output that can leave its worker's thread.
#[diagnostic::on_unimplemented(
    message = "the worker's output `{Self}` cannot leave its thread, as it is not `Send`: a boxed error is written \
               `Box<dyn Error + Send + Sync>`, or `anyhow::Error`"
)]
pub trait SentOutput: Send {}

#[diagnostic::do_not_recommend]
impl<T: Send> SentOutput for T {}

/// An item of an earlier stage, after `.flatten_errors()`.
#[diagnostic::on_unimplemented(
    message = "`par_stateful_try` takes the results of an earlier stage, each a `Result<_, TaskError>`, and the \
               source gives `{Self}`",
    label = "not the results of an earlier stage",
    note = "for `Result`s with another error write `par_stateful_ok(..)`; for plain items, `par_stateful(..)`",
    note = "to group the results of a stage, `.collect()` several into one `Result<Vec<T>, TaskError>`"
)]
pub trait StageResult {}

impl<T> StageResult for Result<T, TaskError> {}

/// An output of a worker that may fail.
#[diagnostic::on_unimplemented(
    message = "there is no error to flatten: the worker gives `{Self}`, which is no `Result`",
    label = "the worker gives `{Self}`",
    note = "leave out `.flatten_errors()`: each item is a `Result<{Self}, TaskError>` without it"
)]
pub trait Fallible {}

impl<T, E> Fallible for Result<T, E> {}

/// An error that can be the source of a [`TaskError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the source of a `TaskError`: let the worker return an error type that is \
               `Send + Sync`, `anyhow::Error`, a `String` or a `&str`"
)]
pub trait IntoCause: Into<BoxError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoCause for E {}

/// An item that can be begun more than once.
#[diagnostic::on_unimplemented(
    message = "retries clone the item, and `{Self}` is not `Clone`: derive it, or pass an `Arc`; an `io::Error` can be \
               made text at the source, by `.map(|item| item.map_err(|error| error.to_string()))`"
)]
pub trait Repeatable: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Repeatable for T {}

/// An output that a process can send.
#[cfg(feature = "processes")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent from a process: derive `serde::Serialize` and `serde::Deserialize`; in place of \
               an error that is not serde return `RemoteError`"
)]
pub trait SentBack: serde::Serialize {}

#[cfg(feature = "processes")]
#[diagnostic::do_not_recommend]
impl<T: serde::Serialize> SentBack for T {}
