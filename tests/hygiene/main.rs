//! What is generated depends on no name of the user's, and troubles none of the strictest lints.

// The types below are as public as a user's may be; nothing depends on this program.
#![allow(unreachable_pub)]

mod no_prelude;
mod pedantic;
mod renamed;
