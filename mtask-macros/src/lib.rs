//! The attribute macro of mtask.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Records a worker's constructor arguments in a spec.
#[proc_macro_attribute]
pub fn delayed_init(_options: TokenStream, item: TokenStream) -> TokenStream {
    item
}
