//! What every generated struct has in common: how its fields are made, cloned, lent and shown.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::Arg;
use crate::options::Options;
use crate::target::Target;

/// Lints that look at what the user wrote, and are told off there, not again in what is made of it.
pub(crate) fn allow() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            nonstandard_style,
            private_bounds,
            private_interfaces,
            unnameable_types,
            unreachable_pub,
            clippy::all,
            clippy::pedantic
        )]
    }
}

/// The `self` of a generated function, which no expression of the user can name.
pub(crate) fn this() -> Ident {
    Ident::new("self", Span::mixed_site())
}

/// The derives asked for, by a path that no shadowed prelude changes.
pub(crate) fn derives(target: &Target, options: &Options) -> Option<TokenStream> {
    let (private, derives) = (&target.private, options.derives());
    (!derives.is_empty()).then(|| quote!(#[#private::derive(#(#derives),*)]))
}

/// An argument as it is stored, made of the argument.
pub(crate) fn stored_from(target: &Target, arg: &Arg) -> TokenStream {
    let name = &arg.name;
    match &arg.lent {
        None => quote!(#name),
        Some(lent) => {
            let private = target.private_at(lent.span());
            quote!(<#lent as #private::ToOwned>::to_owned(#name))
        }
    }
}

/// A stored argument cloned, by a reference to it.
pub(crate) fn clone_of(target: &Target, arg: &Arg, stored: &TokenStream) -> TokenStream {
    let (private, ty) = (&target.private, &arg.stored);
    quote!(<#ty as #private::CloneArgument>::clone_argument(#stored))
}

/// A stored argument lent as the function takes it, by a reference to it; `None` if it is not.
pub(crate) fn lent(target: &Target, arg: &Arg, stored: &TokenStream) -> Option<TokenStream> {
    let lent = arg.lent.as_ref()?;
    let private = &target.private;
    Some(quote!(#private::Borrow::<#lent>::borrow(#stored)))
}

/// That what is lent can be stored, where that depends on a parameter of the type.
pub(crate) fn storage_predicates(target: &Target, args: &[Arg]) -> Vec<TokenStream> {
    let private = &target.private;
    let lent = args.iter().filter_map(|arg| arg.lent.as_ref());
    let generic = lent.filter(|lent| target.is_generic(lent));
    generic.map(|lent| quote!(#lent: #private::ToOwned)).collect()
}

/// `Debug::fmt` for a struct of these arguments.
///
/// An argument that is not `Debug`, a function for example, is shown by the name of its type.
pub(crate) fn debug_body(title: &str, args: &[Arg], private: &TokenStream) -> TokenStream {
    let fields = args.iter().map(|arg| {
        let (cfg, name) = (&arg.cfg, arg.generated_name());
        let title = name.unraw().to_string();
        quote! {
            #(#cfg)*
            shown.field(#title, &(&#private::Shown(&self.#name)).shown());
        }
    });
    quote! {
        fn fmt(&self, f: &mut #private::Formatter<'_>) -> #private::FmtResult {
            #[allow(unused_imports)]
            use #private::{ShowDebug as _, ShowName as _};
            let mut shown = #private::Formatter::debug_struct(f, #title);
            #(#fields)*
            shown.finish()
        }
    }
}
