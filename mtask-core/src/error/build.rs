//! A build that failed.

use std::error::Error;
use std::fmt;

use super::BoxError;

/// What kept a worker from being built: any error, boxed.
///
/// `Display` is that of the error inside, and [`source`](Error::source) continues with its own
/// cause, so that a printed chain says nothing twice.
///
/// # Examples
///
/// ```
/// use mtask::BuildError;
///
/// let error = BuildError::new("no such device: 7");
/// assert_eq!(error.to_string(), "no such device: 7");
///
/// let cause: std::num::ParseIntError = "x".parse::<u8>().unwrap_err();
/// let error = BuildError::new(cause);
/// assert!(error.get_ref().is::<std::num::ParseIntError>());
/// ```
pub struct BuildError(BoxError);

impl BuildError {
    /// Wraps an error, a boxed error or a message.
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self(cause.into())
    }

    /// The error inside.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// The error inside, by value.
    pub fn into_inner(self) -> BoxError {
        self.0
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BuildError").field(&self.0).finish()
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl From<BoxError> for BuildError {
    fn from(cause: BoxError) -> Self {
        Self(cause)
    }
}

impl From<String> for BuildError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for BuildError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<std::io::Error> for BuildError {
    fn from(cause: std::io::Error) -> Self {
        Self::new(cause)
    }
}
