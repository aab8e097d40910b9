//! What crosses to a child.

use std::any::type_name;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::boxed::RemoteBoxSpec;
use super::codec;
#[cfg(unix)]
use super::frame;
use crate::error::BoxError;
use crate::finish::AnySummary;
use crate::spec::Summing;
use crate::{Finish, Spec, Worker};

/// A spec that can be sent to where its worker is to run.
///
/// Implemented by `#[delayed_init(remote)]`, and by the specs of
/// [`remote_boxed`](RemoteSpec::remote_boxed).
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another process",
    label = "stays in this process",
    note = "write `#[delayed_init(remote)]` on the worker, or on the function in place of a closure; \
            `.remote_boxed()` stands in for `.boxed()`"
)]
pub trait RemoteSpec<W: Worker>: Spec<W> {
    /// The name by which a child knows the worker.
    #[doc(hidden)]
    fn worker_name(&self) -> &'static str {
        type_name::<W>()
    }

    /// Hides the worker's type, so that specs of different workers with the same input and output
    /// stand in one list. A child is still asked for the worker itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use mtask::prelude::*;
    /// use mtask::{Processes, RemoteSpec};
    ///
    /// #[delayed_init(remote)]
    /// fn shout(word: &str) -> String {
    ///     word.to_uppercase()
    /// }
    ///
    /// struct Repeat(usize);
    ///
    /// #[delayed_init(remote)]
    /// impl Repeat {
    ///     fn new(times: usize) -> Self {
    ///         Self(times)
    ///     }
    ///
    ///     fn call(&mut self, word: &str) -> String {
    ///         word.repeat(self.0)
    ///     }
    /// }
    ///
    /// fn main() {
    ///     mtask::init();
    ///     let specs = [shout::spec().remote_boxed(), Repeat::spec(2).remote_boxed()];
    ///     let words = ["ho", "ho"].map(str::to_owned);
    ///     for word in par_stateful(words, specs).backend(Processes::new()) {
    ///         assert!(["HO", "hoho"].contains(&&*word.unwrap()));
    ///     }
    /// }
    /// ```
    fn remote_boxed(self) -> RemoteBoxSpec<W::Input, W::Output>
    where
        W: 'static,
        Self: 'static,
    {
        RemoteBoxSpec::new(self)
    }

    /// The spec as the child reads it.
    #[doc(hidden)]
    fn to_bytes(&self) -> Result<Vec<u8>, String>;

    /// How what the worker leaves is read, where that is asked for.
    #[doc(hidden)]
    fn summary(&self) -> Option<ReadSummary> {
        None
    }
}

/// Reads a summary.
pub(super) type ReadSummary = fn(&[u8]) -> Result<AnySummary, String>;

#[diagnostic::do_not_recommend]
impl<S, W> RemoteSpec<W> for Summing<S>
where
    S: RemoteSpec<W>,
    W: Finish,
    W::Summary: DeserializeOwned + Send + 'static,
{
    fn worker_name(&self) -> &'static str {
        self.0.worker_name()
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        self.0.to_bytes()
    }

    fn summary(&self) -> Option<ReadSummary> {
        Some(|bytes| Ok(Box::new(codec::decode::<W::Summary>(bytes)?)))
    }
}

/// So many causes of an error are kept: they may be a circle, and are dropped one inside the other.
const MOST_CAUSES: usize = 100;

/// An error that crosses from a child: the text of an error and of its causes, of which there are 100 at the most.
///
/// What a worker returns has to be serde as it is written. One whose error is not returns this, made
/// by `?` from any error type, and by [`from_boxed`](RemoteError::from_boxed) from a boxed one.
///
/// It is no `Error` itself, or `?` could not make it from all of them; it converts into a
/// `Box<dyn Error + Send + Sync>` that is one, with the same chain of causes.
#[cfg_attr(mtask_docs, doc(cfg(feature = "processes")))]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteError {
    message: String,
    causes: Vec<String>,
}

impl RemoteError {
    /// The text of a boxed error and of its causes.
    pub fn from_boxed(error: impl Into<BoxError>) -> Self {
        Self::of(&*error.into())
    }

    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        let causes = causes.take(MOST_CAUSES);
        Self { message: error.to_string(), causes: causes.map(ToString::to_string).collect() }
    }

    /// Cuts texts that are too long to be told.
    #[cfg(unix)]
    pub(super) fn shorten(&mut self, most: usize) {
        frame::shorten(&mut self.message, most / 2);
        let mut left = most / 2;
        self.causes.retain_mut(|cause| {
            let told = left > 0;
            frame::shorten(cause, left);
            left = left.saturating_sub(cause.len());
            told
        });
    }

    /// The text of the error itself.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The texts of its causes, the nearest first.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        self.causes.iter().map(String::as_str)
    }
}

impl<E: Error + 'static> From<E> for RemoteError {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// A remote error as a link of a chain.
#[derive(Debug)]
struct Link {
    message: String,
    cause: Option<Box<Link>>,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<RemoteError> for BoxError {
    fn from(error: RemoteError) -> Self {
        let cause = error
            .causes
            .into_iter()
            .take(MOST_CAUSES)
            .rev()
            .fold(None, |cause, message| Some(Box::new(Link { message, cause })));
        Box::new(Link { message: error.message, cause })
    }
}
