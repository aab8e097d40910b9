//! What a child can be asked to build.

use std::any::type_name;
use std::collections::BTreeSet;
use std::io;

use serde::{Serialize, de::DeserializeOwned};

#[cfg(unix)]
use super::child::{Session, serve, serve_and_finish};
#[cfg(not(unix))]
use super::unsupported::{Session, serve, serve as serve_and_finish};
use crate::messages::SentBack;
use crate::{Finish, Spec, Worker};

/// A worker that a child can be asked for by name.
///
/// Made by `#[delayed_init(remote)]` for a type without parameters, and by
/// [`register!`](crate::register) for each instantiation of one that has some.
#[derive(Debug)]
pub struct Entry {
    name: fn() -> &'static str,
    /// The worker is finished at its end, and its summary sent.
    finishes: bool,
    serve: fn(&mut Session) -> io::Result<()>,
}

inventory::collect!(Entry);

impl Entry {
    /// The entry of `W`, built from an `S`.
    pub const fn of<S, W>() -> Self
    where
        S: Spec<W> + DeserializeOwned,
        W: Worker,
        W::Input: DeserializeOwned,
        W::Output: SentBack,
    {
        Self { name: type_name::<W>, finishes: false, serve: serve::<S, W> }
    }

    /// The entry of a `W` that is [finished](Finish) at its end.
    pub const fn finishing<S, W>() -> Self
    where
        S: Spec<W> + DeserializeOwned,
        W: Finish,
        W::Input: DeserializeOwned,
        W::Output: SentBack,
        W::Summary: Serialize,
    {
        Self { name: type_name::<W>, finishes: true, serve: serve_and_finish::<S, W> }
    }

    pub(super) fn serve(&self, session: &mut Session) -> io::Result<()> {
        (self.serve)(session)
    }
}

/// The entry of a name.
///
/// # Errors
///
/// What to do about it where there is none or more than one.
pub(super) fn find(name: &str, finishes: bool) -> Result<&'static Entry, String> {
    let is_it = |entry: &&Entry| (entry.name)() == name && entry.finishes == finishes;
    let mut found = inventory::iter::<Entry>().filter(is_it);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(_), Some(_)) => Err(format!(
            "two workers are registered as `{name}`: types inside of functions share a name, so \
             move one of them out"
        )),
        (None, _) if finishes && find(name, false).is_ok() => Err(format!(
            "`{name}` is not registered as one that is finished: put `finish` into the block of \
             `#[delayed_init(remote)]`, or write `mtask::register!(.., .., finish)`",
        )),
        (None, _) => {
            let known: BTreeSet<_> =
                inventory::iter::<Entry>().map(|entry| (entry.name)()).collect();
            let mut known: Vec<_> = known.into_iter().collect();
            if known.is_empty() {
                known.push("none");
            }
            Err(format!(
                "no worker is registered as `{name}`: write `#[delayed_init(remote)]`, or \
                 `mtask::register!` for a type with parameters; known are: {}",
                known.join(", "),
            ))
        }
    }
}
