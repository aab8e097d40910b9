//! `#[delayed_init(remote)]` on a function: a worker without state, which can be named elsewhere.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Error, Generics};

use crate::expand_impl::{input_of, methods};
use crate::fallback;
use crate::fields::{allow, this};
use crate::model::Call;
use crate::options::Options;
use crate::parse::Function;
use crate::remote;
use crate::target::{Target, generated, passed_on};

/// A type of the function's name, which is the worker and its spec.
pub(crate) fn expand(function: &Function, options: &Options) -> TokenStream {
    let name = &function.sig.ident;
    let target = Target::new(
        name.clone(),
        name.to_token_stream(),
        Generics::default(),
        &function.attrs,
        options,
    );
    if let Some(error) = misplaced(function, options) {
        return error.into_compile_error();
    }
    let call = match idle_option(options) {
        None => Call::of_function(function, &target, options),
        Some(error) => Err(error),
    };
    let call = match call {
        Ok(call) => call,
        Err(error) => return fallback::function(&target, options, function, &error),
    };
    let (private, vis, cfg) = (&target.private, &function.vis, passed_on(&function.attrs));
    let (input, pattern, inputs) = input_of(&target, &call);
    let output = &call.output;
    let mut callee = name.clone();
    callee.set_span(generated(name.span()));
    let methods = methods(&target, &call, &pattern, &quote!(#callee), &inputs);
    let serde = remote::serde(&target, options);
    let cfg = quote!(#(#cfg)*);
    let remote = remote::expand(&target, &cfg, name, Vec::new(), false);
    let (allow, this) = (allow(), this());
    let title = name.unraw();
    let doc = format!("The function `{title}` as a worker, and as its spec.");
    let spec_doc = format!("A spec of the function `{title}`.");
    quote! {
        #cfg
        #[doc = #doc]
        #[derive(#private::Clone, #private::Debug)]
        #serde
        #allow
        #[allow(non_camel_case_types)]
        #vis struct #name {}

        #cfg
        #allow
        impl #name {
            #[doc = #spec_doc]
            #vis fn spec() -> Self {
                Self {}
            }
        }

        #cfg
        #allow
        impl #private::Spec<#name> for #name {
            fn build(&#this) -> #private::Result<#name, #private::BuildError> {
                #private::Result::Ok(#name {})
            }
        }

        #cfg
        #allow
        impl #private::Worker for #name {
            type Input = #input;
            type Output = #output;

            #methods
        }

        #remote
    }
}

/// Says where the attribute goes instead.
fn misplaced(function: &Function, options: &Options) -> Option<Error> {
    let is_method = function.sig.receiver().is_some();
    (is_method || options.remote.is_none()).then(|| {
        Error::new_spanned(
            function.sig.fn_token,
            "`#[delayed_init]` goes on the whole `impl` block, not on a function; a plain \
             function becomes a spec by `worker_fn`, and one for processes by \
             `#[delayed_init(remote)]`",
        )
    })
}

/// An option that would make no difference.
fn idle_option(options: &Options) -> Option<Error> {
    let keys = [
        options.spec.as_ref().map(|given| given.key),
        options.new.as_ref().map(|given| given.key),
        options.derive.as_ref().map(|given| given.key),
        options.debug.as_ref().map(|given| given.key),
        options.named.as_ref().map(|given| given.key),
    ];
    let key = keys.into_iter().flatten().next()?;
    let reason = "a function has no constructor and no named arguments: it takes `remote` alone";
    Some(Error::new(key, reason))
}
