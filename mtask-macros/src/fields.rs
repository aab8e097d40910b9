//! What every generated struct has in common: how its fields are made, cloned, lent and shown.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::Arg;
use crate::options::Options;
use crate::remote;
use crate::spelling::{Looks, looks};
use crate::target::{Target, last};

/// Lints that look at what the user wrote, and are told off there, not again in what is made of it.
///
/// As few as can be: each would collide with a `forbid` of the user's.
pub(crate) fn allow() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            private_bounds,
            private_interfaces,
            clippy::all,
            clippy::nursery,
            clippy::pedantic
        )]
    }
}

/// The `self` of a generated function, which no expression of the user can name.
pub(crate) fn this() -> Ident {
    Ident::new("self", Span::mixed_site())
}

/// The derives asked for, by a path that no shadowed prelude changes, and those of `remote`.
pub(crate) fn derives(target: &Target, options: &Options) -> TokenStream {
    let (private, derives) = (&target.private, options.derives());
    let derives = (!derives.is_empty()).then(|| quote!(#[#private::derive(#(#derives),*)]));
    let serde = remote::serde(target, options);
    quote!(#derives #serde)
}

/// An argument as it is stored, made of the argument.
pub(crate) fn stored_from(target: &Target, arg: &Arg) -> TokenStream {
    let name = &arg.name;
    match (&arg.item, &arg.lent) {
        (Some(item), _) => {
            let private = target.private_at(item.span());
            quote!(<#item as #private::CloneArgument>::clone_all(#name))
        }
        (None, Some(lent)) => {
            let private = target.private_at(lent.span());
            quote!(<#lent as #private::ToOwned>::to_owned(#name))
        }
        (None, None) => quote!(#name),
    }
}

/// A stored argument cloned, by a reference to it.
pub(crate) fn clone_of(target: &Target, arg: &Arg, stored: &TokenStream) -> TokenStream {
    let (private, ty) = (&target.private, &arg.stored);
    match &arg.item {
        // That one of them is not `Clone` is said in the same words wherever it comes up.
        Some(item) if !target.is_generic(item) => {
            let private = target.private_at(item.span());
            quote!(<#item as #private::CloneArgument>::clone_all(#stored))
        }
        _ => quote!(<#ty as #private::CloneArgument>::clone_argument(#stored)),
    }
}

/// A stored argument lent as the function takes it, by a reference to it; `None` if it is not.
pub(crate) fn lent(target: &Target, arg: &Arg, stored: &TokenStream) -> Option<TokenStream> {
    let lent = arg.lent.as_ref()?;
    let private = &target.private;
    Some(quote!(#private::Borrow::<#lent>::borrow(#stored)))
}

/// That what is lent can be stored, where its spelling does not tell.
///
/// One that cannot be is shown at the argument, by each item alike, and so once.
pub(crate) fn storage_predicates(target: &Target, args: &[Arg]) -> Vec<TokenStream> {
    // A type under a `cfg` may be gone.
    let certain = args.iter().filter(|arg| arg.cfg.is_empty() && arg.item.is_none());
    let lent = certain.filter_map(|arg| arg.lent.as_ref());
    let unknown = lent.filter(|lent| target.is_generic(lent) || looks(lent) != Looks::Plain);
    let bound = |lent: &TokenStream| {
        let private = target.private_at(last(lent));
        // Of one that is no parameter nothing more is found out: with all of it assumed, the
        // compiler says what is missing here and nowhere else.
        let rest =
            (!target.is_generic(lent)).then(|| quote!(<Owned: #private::Clone + #private::Send>));
        quote!(#lent: #private::ToOwned #rest)
    };
    unknown.map(bound).collect()
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
