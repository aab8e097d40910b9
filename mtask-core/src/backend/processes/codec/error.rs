//! Why a value is not encoded or decoded.

use std::fmt;

/// In words, with what to do about it.
#[derive(Debug)]
pub(super) struct Error(pub(super) Box<str>);

/// The way out for what the form has no place for.
pub(super) const WAY_OUT: &str = "what is sent has no names in it, so that both sides have to agree on each value: `Json<T>` carries it";

impl Error {
    /// Something that the form cannot carry.
    pub(super) fn uncarried(what: impl fmt::Display) -> Self {
        Self(format!("{what}; {WAY_OUT}").into())
    }

    /// That of a type's own code, whose text stays.
    fn own(text: impl fmt::Display) -> Self {
        Self(format!("{text} (what cannot cross as it is may do so as `Json<T>`)").into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::own(text)
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::own(text)
    }
}
