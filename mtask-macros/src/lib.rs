//! The attribute macro of mtask.
#![forbid(unsafe_code)]

mod argument;
mod expand_impl;
mod expand_struct;
mod fallback;
mod fields;
mod init;
mod input_type;
mod model;
mod options;
mod parse;
mod spec_type;
mod target;

use proc_macro2::TokenStream;
use quote::quote;

use options::Options;
use parse::Item;

/// Records a worker's constructor arguments in a spec.
#[proc_macro_attribute]
pub fn delayed_init(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(options.into(), item.into()).into()
}

/// The expansion: the user's item first, then what is made of it.
fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let (options, refused) = Options::read(options);
    let refused = refused.map(syn::Error::into_compile_error);
    let expansion = match syn::parse2(item.clone()) {
        Ok(Item::Impl(parsed)) => {
            let expansion = expand_impl::expand(&parsed, &options);
            quote!(#item #expansion)
        }
        Ok(Item::Struct(parsed)) => expand_struct::expand(*parsed, &options),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    };
    quote!(#expansion #refused)
}
