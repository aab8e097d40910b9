//! The spec: a struct of the arguments, and the function that records them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Generics, Visibility};

use crate::fields::{allow, clone_of, debug_body, derives, storage_predicates, stored_from, this};
use crate::model::Arg;
use crate::options::Options;
use crate::remote;
use crate::spelling::{Looks, looks};
use crate::target::{Target, generated, last, placed};

/// The spec of a target, about to be written out.
pub(crate) struct SpecType<'a> {
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
    /// The `cfg`s and allowed lints of the item and of the constructor.
    pub(crate) cfg: &'a [Attribute],
    pub(crate) vis: &'a Visibility,
    pub(crate) args: &'a [Arg],
    /// The worker's `finish` is in the same block.
    pub(crate) finishes: bool,
    /// Lifetimes of the constructor itself.
    pub(crate) own_generics: Option<&'a Generics>,
    /// What the docs say takes the arguments: `Square::new`.
    pub(crate) taker: String,
}

impl SpecType<'_> {
    /// The name of the struct.
    pub(crate) fn name(&self) -> Ident {
        match &self.options.spec {
            Some(given) => given.value.clone(),
            None => self.target.derived_name("Spec"),
        }
    }

    /// The struct, its `Clone` and `Debug`, and `Type::spec`.
    pub(crate) fn expand(&self) -> TokenStream {
        let unrecorded = self.unrecorded();
        let function = self.function();
        let remote = self.options.remote.is_some().then(|| {
            let cfg = self.cfg;
            let (cfg, predicates) = (quote!(#(#cfg)*), self.storage_predicates());
            remote::expand(self.target, &cfg, &self.name(), predicates, self.finishes)
        });
        quote!(#unrecorded #function #remote)
    }

    /// The struct, its `Clone` and `Debug`.
    pub(crate) fn unrecorded(&self) -> TokenStream {
        let definition = self.definition();
        let clone = self.clone_impl();
        let debug = self.options.debug().then(|| self.debug_impl());
        quote!(#definition #clone #debug)
    }

    /// `impl Spec<Square> for SquareSpec`, around the body of `build`.
    pub(crate) fn spec_impl(&self, predicates: &[TokenStream], body: &TokenStream) -> TokenStream {
        let (cfg, ty) = (self.cfg, &self.target.ty);
        let private = &self.target.private;
        let (params, _, _) = self.target.generics.split_for_impl();
        let mut predicates = predicates.to_vec();
        predicates.extend(self.storage_predicates());
        for arg in self.generic_args() {
            let stored = &arg.stored;
            predicates.push(quote!(#stored: #private::Clone + #private::Send));
        }
        let where_clause = self.target.where_clause(&predicates);
        let spec = self.ty_at_suspects();
        let (allow, this) = (allow(), this());
        quote! {
            #(#cfg)*
            #allow
            impl #params #private::Spec<#ty> for #spec #where_clause {
                fn build(&#this) -> #private::Result<#ty, #private::BuildError> {
                    #body
                }
            }
        }
    }

    fn definition(&self) -> TokenStream {
        let (cfg, vis, name) = (self.cfg, self.vis, self.name());
        let private = &self.target.private;
        let (params, _, _) = self.target.generics.split_for_impl();
        let where_clause = self.target.where_clause(&self.storage_predicates());
        let fields = self.args.iter().map(|arg| {
            let (cfg, docs, stored) = (&arg.cfg, &arg.docs, &arg.stored);
            let name = arg.generated_name();
            let doc = format!("The argument `{}` of `{}`.", name.unraw(), self.taker);
            let doc = docs.is_empty().then(|| quote!(#[doc = #doc]));
            quote!(#(#cfg)* #doc #(#docs)* #vis #name: #stored)
        });
        let marker = self.marker().map(|(name, ty)| {
            quote! {
                /// Names the parameters of the type that no argument mentions.
                #vis #name: #private::PhantomData<#ty>
            }
        });
        let doc = format!(
            "The recorded arguments of `{}`: the spec of one worker, built where it runs.",
            self.taker
        );
        let derives = derives(self.target, self.options);
        let allow = allow();
        quote! {
            #(#cfg)*
            #[doc = #doc]
            #derives
            #allow
            #vis struct #name #params #where_clause { #(#fields,)* #marker }
        }
    }

    fn clone_impl(&self) -> TokenStream {
        let private = &self.target.private;
        let fields = self.args.iter().map(|arg| {
            let (cfg, name) = (&arg.cfg, arg.generated_name());
            let clone = clone_of(self.target, arg, &quote!(&self.#name));
            quote!(#(#cfg)* #name: #clone)
        });
        let marker = self.marker().map(|(name, _)| quote!(#name: #private::PhantomData));
        let bound = quote!(#private::Clone);
        let body = quote! {
            fn clone(&self) -> Self {
                Self { #(#fields,)* #marker }
            }
        };
        self.bounded_impl(&bound, &body)
    }

    fn debug_impl(&self) -> TokenStream {
        let private = &self.target.private;
        let title = self.name().unraw().to_string();
        let bound = quote!(#private::Debug);
        let body = debug_body(&title, self.args, private);
        self.bounded_impl(&bound, &body)
    }

    /// An impl for the spec that holds if it holds for those fields whose type is not known yet.
    fn bounded_impl(&self, bound: &TokenStream, body: &TokenStream) -> TokenStream {
        let (cfg, name) = (self.cfg, self.name());
        let (params, args, _) = self.target.generics.split_for_impl();
        let mut predicates = self.storage_predicates();
        predicates.extend(self.generic_args().map(|arg| {
            let stored = &arg.stored;
            quote!(#stored: #bound)
        }));
        let where_clause = self.target.where_clause(&predicates);
        let allow = allow();
        quote! {
            #(#cfg)*
            #[automatically_derived]
            #allow
            impl #params #bound for #name #args #where_clause { #body }
        }
    }

    fn function(&self) -> TokenStream {
        let (cfg, vis, name, ty) = (self.cfg, self.vis, self.name(), &self.target.ty);
        let private = &self.target.private;
        let (params, args, _) = self.target.generics.split_for_impl();
        let where_clause = self.target.where_clause(&self.storage_predicates());
        let own_params = self.own_generics.map(|generics| generics.split_for_impl().0);
        let inputs = self.args.iter().map(|arg| {
            let (cfg, name, ty) = (&arg.cfg, &arg.name, &arg.ty);
            quote!(#(#cfg)* #name: #ty)
        });
        let fields = self.args.iter().map(|arg| {
            let (cfg, name) = (&arg.cfg, &arg.name);
            let stored = stored_from(self.target, arg);
            quote!(#(#cfg)* #name: #stored)
        });
        let marker = self.marker().map(|(name, _)| quote!(#name: #private::PhantomData));
        let doc = format!(
            "Records the arguments of `{}`; the worker is built from them where it runs.",
            self.taker
        );
        let allow = allow();
        let function = Ident::new("spec", generated(Span::call_site()));
        quote! {
            #(#cfg)*
            #allow
            impl #params #ty #where_clause {
                #[doc = #doc]
                #[must_use]
                #vis fn #function #own_params (#(#inputs),*) -> #name #args {
                    #name { #(#fields,)* #marker }
                }
            }
        }
    }

    /// A field for the generic parameters that no argument mentions, and its type.
    fn marker(&self) -> Option<(Ident, TokenStream)> {
        // A field under a `cfg` may be gone, and what it mentions with it.
        let certain = self.args.iter().filter(|arg| arg.cfg.is_empty());
        let fields: Vec<_> = certain.map(|arg| &arg.stored).collect();
        let unused = self.target.unused(&fields)?;
        let mut name = format_ident!("marker", span = Span::mixed_site());
        while self.args.iter().any(|arg| arg.name == name) {
            name = format_ident!("{name}_");
        }
        Some((name, unused))
    }

    fn generic_args(&self) -> impl Iterator<Item = &Arg> {
        self.args.iter().filter(|arg| {
            // What is owned as its own type says is not known inside a generic impl.
            let projected = arg.lent.is_some() && arg.item.is_none();
            let told = projected || looks(arg.spelled()) != Looks::NotSend;
            told && self.target.is_generic(&arg.stored)
        })
    }

    /// That what is lent can be stored, where that depends on a parameter of the type.
    fn storage_predicates(&self) -> Vec<TokenStream> {
        let mut predicates = storage_predicates(self.target, self.args);
        let certain = self.args.iter().filter(|arg| arg.cfg.is_empty());
        let items = certain.filter_map(|arg| arg.item.as_ref());
        predicates.extend(items.filter(|item| self.target.is_generic(item)).map(|item| {
            let private = self.target.private_at(last(item));
            quote!(#item: #private::Clone)
        }));
        predicates
    }

    /// The spec as a type, placed at the arguments that may be why it is not `Send`.
    ///
    /// The compiler shows a missing supertrait at the type which the impl is for.
    fn ty_at_suspects(&self) -> TokenStream {
        let (name, (_, args, _)) = (self.name(), self.target.generics.split_for_impl());
        let worst = self.args.iter().map(|arg| looks(arg.spelled())).max();
        let suspects = self.args.iter().filter(|arg| Some(looks(arg.spelled())) == worst);
        let place = suspects.flat_map(|arg| arg.ty.clone()).collect();
        let mut args = args.to_token_stream();
        if args.is_empty() {
            // A type of two ends, which one identifier has not.
            args = quote!(<>);
        }
        placed(quote!(#name #args), &place)
    }
}
