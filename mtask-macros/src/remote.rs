//! What `remote` adds: a spec that crosses to another process, and the entry by which it is known
//! there.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::fields::{allow, this};
use crate::options::Options;
use crate::target::Target;

/// The derives of serde, by the path under which mtask has it.
pub(crate) fn serde(target: &Target, options: &Options) -> Option<TokenStream> {
    options.remote.as_ref()?;
    let private = &target.private;
    let path = quote!(#private::serde).to_string();
    Some(quote! {
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #path)]
    })
}

/// `impl RemoteSpec<Square> for SquareSpec`, and the entry by which a child finds it, unless the type
/// has parameters; another one where the worker is finished.
pub(crate) fn expand(
    target: &Target,
    cfg: &TokenStream,
    spec: &Ident,
    storage_predicates: Vec<TokenStream>,
    finishes: bool,
) -> TokenStream {
    let (private, ty) = (&target.private, &target.ty);
    let (params, args, _) = target.generics.split_for_impl();
    let is_generic = !target.generics.params.is_empty();
    let mut predicates = storage_predicates;
    if is_generic {
        predicates.push(quote!(#ty: #private::Worker));
        predicates.push(quote!(Self: #private::Spec<#ty> + #private::serde::Serialize));
    }
    let where_clause = target.where_clause(&predicates);
    let (allow, this) = (allow(), this());
    let entry = (!is_generic).then(|| {
        let finishing = finishes.then(|| {
            quote! {
                #cfg
                #private::inventory::submit! { #private::Entry::finishing::<#spec, #ty>() }
            }
        });
        quote! {
            #cfg
            #private::inventory::submit! { #private::Entry::of::<#spec, #ty>() }
            #finishing
        }
    });
    quote! {
        #cfg
        #[automatically_derived]
        #allow
        impl #params #private::RemoteSpec<#ty> for #spec #args #where_clause {
            fn to_bytes(&#this) -> #private::Result<#private::Vec<u8>, #private::String> {
                #private::to_bytes(#this)
            }
        }
        #entry
    }
}
