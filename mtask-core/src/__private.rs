//! What the expansion of `#[delayed_init]` names, and the tests, and hidden parts of public traits: no part of the
//! interface.
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

/// What the hidden parts of the traits in [`backend`](crate::backend) name.
#[cfg(not(loom))]
pub mod backend {
    pub use crate::backend::inline::InlineRun;
    #[cfg(feature = "stream")]
    pub use crate::backend::streamed::StreamedRun;
    pub use crate::bridge::{Finished, StopWhen};
    #[cfg(feature = "stream")]
    pub use crate::run::consumer::PolledRun;
    pub use crate::run::consumer::Run;
    pub use crate::run::exit::{End, Limits};
    pub use crate::run::fed::FedRun;
    pub use crate::run::job::{Job, Next};
    pub use crate::run::policy::{Flatten, Place, Summaries};
    pub use crate::run::pulled::PulledRun;
    pub use crate::run::team::{Crew, Handle, Hands};

    /// Of [`Threads`](crate::threads::Threads).
    pub mod threads {
        pub use crate::backend::threads::{Kept, Shift};
    }

    /// Of [`Processes`](crate::Processes).
    #[cfg(feature = "processes")]
    pub mod processes {
        pub use crate::backend::processes::{Kept, Lanes, Session};
    }
}

#[cfg(all(feature = "processes", not(loom)))]
mod remote;
#[cfg(all(feature = "processes", not(loom)))]
pub use remote::{
    Entry, RemoteSpec, SentBack, TestEntry, inventory, serde, serve_if_child, to_bytes,
};

/// The runs that are there, as text, for a test that hangs: but for those in a scope, whose items may borrow. In
/// builds with debug assertions.
#[cfg(all(debug_assertions, not(loom)))]
pub fn live_runs() -> String {
    crate::bridge::live::show()
}
