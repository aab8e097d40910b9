//! What the expansion of `#[delayed_init]` names, and the tests: no part of the interface.
//!
//! Every name of core and std that the expansion needs goes through here, so that a user's
//! shadowed prelude, or none at all, changes nothing.

mod argument;
mod build;
mod show;

pub use argument::CloneArgument;
pub use build::{BuildFailure, Built, InitError, InitField, built, init};
pub use show::{Named, ShowDebug, ShowName, Shown};

pub use core::clone::Clone;
pub use core::fmt::{Debug, Formatter, Result as FmtResult};
pub use core::marker::{PhantomData, Send};
pub use core::prelude::v1::derive;
pub use core::result::Result;
pub use std::borrow::{Borrow, ToOwned};
pub use std::string::String;
pub use std::vec::Vec;

#[cfg(not(loom))]
pub use crate::front::OptionsComeFirst;
#[cfg(not(loom))]
pub use crate::messages::{
    Fallible, IntoCause, Never, Nothing, Repeatable, SentOutput, SentSource, SpecList, StageResult,
    Takes,
};
pub use crate::{BuildError, Context, Finish, Spec, Worker};

#[cfg(all(feature = "processes", not(loom)))]
mod remote;
#[cfg(all(feature = "processes", not(loom)))]
pub use remote::{Entry, RemoteSpec, SentBack, inventory, serde, to_bytes};

/// The runs that are there, as text, for a test that hangs: but for those in a scope, whose items may borrow. In
/// builds with debug assertions.
#[cfg(all(debug_assertions, not(loom)))]
pub fn live_runs() -> String {
    crate::bridge::live::show()
}
