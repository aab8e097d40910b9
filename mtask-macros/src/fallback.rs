//! What stands in for an expansion that failed.
//!
//! The user's item is there in any case. Beside the one `compile_error!`, the names and impls that
//! the rest of the program counts on are there too, so that one mistake gives one error.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, FnArg, Generics, Type, Visibility};

use crate::options::Options;
use crate::parse::Function;
use crate::spec_type::SpecType;
use crate::target::Target;

/// In the place of a constructor's spec.
pub(crate) fn spec(
    target: &Target,
    options: &Options,
    function: &Function,
    error: &Error,
) -> TokenStream {
    let sig = &function.sig;
    let inputs = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(input) => Some(&*input.ty),
    });
    spec_of(target, options, &function.vis, &sig.generics, inputs, error)
}

/// A spec that records nothing, with a `Type::spec` that takes these.
pub(crate) fn spec_of<'a>(
    target: &Target,
    options: &Options,
    vis: &Visibility,
    own_generics: &Generics,
    inputs: impl Iterator<Item = &'a Type>,
    error: &Error,
) -> TokenStream {
    let (ty, cfg) = (&target.ty, &target.cfg);
    let empty = SpecType {
        target,
        options,
        cfg,
        vis,
        args: &[],
        own_generics: None,
        taker: target.name.to_string(),
    };
    let message = error.to_compile_error();
    let name = empty.name();
    let unrecorded = empty.unrecorded();
    let spec_impl = empty.spec_impl(&[], &quote!(loop {}));
    let (params, args, clause) = target.generics.split_for_impl();
    let (own_params, _, own_clause) = own_generics.split_for_impl();
    quote! {
        #message
        #unrecorded
        #spec_impl
        #(#cfg)*
        #[allow(warnings)]
        impl #params #ty #clause {
            #[doc(hidden)]
            #vis fn spec #own_params (#(_: #inputs),*) -> #name #args #own_clause { loop {} }
        }
    }
}

/// In the place of a worker: its input and output are whatever the program takes them for.
pub(crate) fn worker(target: &Target, error: &Error) -> TokenStream {
    let (private, ty, cfg) = (&target.private, &target.ty, &target.cfg);
    let (params, _, clause) = target.generics.split_for_impl();
    let mut messages = error.clone().into_iter();
    // A macro that fails in the place of a type makes it a type that goes with any other.
    let unknown = messages.next().map(|error| {
        let (message, span) = (error.to_string(), error.span());
        quote_spanned!(span=> ::core::compile_error! { #message })
    });
    let more = messages.map(|error| error.to_compile_error());
    quote! {
        #(#more)*
        #(#cfg)*
        #[allow(warnings)]
        impl #params #private::Worker for #ty #clause {
            type Input = #unknown;
            type Output = <Self as #private::Worker>::Input;

            fn call(&mut self, input: Self::Input) -> Self::Output { loop {} }
        }
    }
}
