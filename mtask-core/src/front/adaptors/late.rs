//! Options behind an adaptor: they are known there only to say where they go.

use super::{DeferErrors, FlattenErrors, PropagatePanics, StopOnError};

/// Of nothing: an option behind an adaptor does not compile.
#[diagnostic::on_unimplemented(
    message = "an option comes before the adaptors: put it to the left of `.flatten_errors()`, \
               `.stop_on_error()`, `.defer_errors()` and `.propagate_panics()`",
    label = "this option is of the run, not of its items"
)]
pub trait OptionsComeFirst {}

macro_rules! late {
    ($adaptor:ident: $($option:ident)*) => {
        #[doc(hidden)]
        #[allow(missing_docs)]
        impl<R> $adaptor<R> {
            $(pub fn $option<T>(self, _: T) -> Self where Self: OptionsComeFirst { self })*
        }
    };
    ($($adaptor:ident)*) => { $(late! {
        $adaptor: retries retry build_retry lifespan progress progress_with backend max_in_flight chunk_size
            shutdown_timeout finish_timeout
    })* };
}

late!(FlattenErrors StopOnError DeferErrors PropagatePanics);

macro_rules! late_without_argument {
    ($adaptor:ident: $($option:ident)*) => {
        #[doc(hidden)]
        #[allow(missing_docs)]
        impl<R> $adaptor<R> {
            $(pub fn $option(self) -> Self where Self: OptionsComeFirst { self })*
        }
    };
    ($($adaptor:ident)*) => { $(late_without_argument! {
        $adaptor: build_now unordered unbounded inline with_summaries into_stream
    })* };
}

late_without_argument!(FlattenErrors StopOnError DeferErrors PropagatePanics);
