//! The struct of `call`'s arguments, for `#[delayed_init(named)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics};

use crate::fields::{allow, debug_body, derives, storage_predicates};
use crate::model::{Arg, Call};
use crate::options::Options;
use crate::target::{Target, mentions, where_clause};

/// `SquareInput { a, b }`.
pub(crate) struct InputType<'a> {
    target: &'a Target,
    options: &'a Options,
    call: &'a Call<'a>,
    generics: Generics,
}

impl<'a> InputType<'a> {
    pub(crate) fn new(target: &'a Target, options: &'a Options, call: &'a Call<'a>) -> Self {
        Self { target, options, call, generics: used_generics(target, &call.args) }
    }

    pub(crate) fn name(&self) -> Ident {
        self.target.derived_name("Input")
    }

    /// The struct as a type: `SquareInput<T>`.
    pub(crate) fn ty(&self) -> TokenStream {
        let (name, (_, args, _)) = (self.name(), self.generics.split_for_impl());
        quote!(#name #args)
    }

    /// The struct and its `Debug`.
    ///
    /// It is `pub` whatever `call` is: an associated type must be as visible as the worker, which
    /// the block does not tell.
    pub(crate) fn expand(&self) -> TokenStream {
        let (cfg, name, ty) = (&self.call.cfg, self.name(), self.ty());
        let (private, args) = (&self.target.private, &self.call.args);
        let (params, _, _) = self.generics.split_for_impl();
        let storage = storage_predicates(self.target, args);
        let clause = where_clause(&self.generics, &storage);
        let caller = format!("{}::call", self.target.name.unraw());
        let fields = args.iter().map(|arg| {
            let (docs, name, stored) = (&arg.docs, arg.generated_name(), &arg.stored);
            let doc = format!("The argument `{}` of `{caller}`.", name.unraw());
            let doc = docs.is_empty().then(|| quote!(#[doc = #doc]));
            quote!(#doc #(#docs)* pub #name: #stored)
        });
        let doc = format!("The arguments of `{caller}`, by name: one input of the worker.");
        let derives = derives(self.target, self.options);
        let allow = allow();
        let debug = self.options.debug().then(|| {
            let generic = args.iter().filter(|arg| self.target.is_generic(&arg.stored));
            let bounds = generic.map(|arg| {
                let stored = &arg.stored;
                quote!(#stored: #private::Debug)
            });
            let bounds: Vec<_> = storage.iter().cloned().chain(bounds).collect();
            let clause = where_clause(&self.generics, &bounds);
            let body = debug_body(&name.unraw().to_string(), args, private);
            quote! {
                #(#cfg)*
                #[automatically_derived]
                #allow
                impl #params #private::Debug for #ty #clause { #body }
            }
        });
        quote! {
            #(#cfg)*
            #[doc = #doc]
            #derives
            #allow
            pub struct #name #params #clause { #(#fields),* }
            #debug
        }
    }
}

/// The parameters of the type that the arguments mention, with what is said of these alone.
///
/// The others are the worker's affair: a struct that is written as a literal carries no marker.
fn used_generics(target: &Target, args: &[Arg]) -> Generics {
    let stored: TokenStream = args.iter().map(|arg| &arg.stored).cloned().collect();
    let (mut used, mut dropped) = (Generics::default(), Vec::new());
    for param in &target.generics.params {
        let ident = param_ident(param);
        if mentions(&stored, ident) {
            used.params.push(param.clone());
        } else {
            dropped.push(ident);
        }
    }
    let alone = |tokens: &dyn ToTokens| {
        let tokens = tokens.to_token_stream();
        !dropped.iter().any(|ident| mentions(&tokens, ident))
    };
    for param in used.type_params_mut() {
        param.bounds = param.bounds.iter().filter(|bound| alone(bound)).cloned().collect();
    }
    for param in used.lifetimes_mut() {
        param.bounds = param.bounds.iter().filter(|bound| alone(bound)).cloned().collect();
    }
    let clause = used.make_where_clause();
    let own = target.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    clause.predicates.extend(own.filter(|predicate| alone(predicate)).cloned());
    used
}

fn param_ident(param: &GenericParam) -> &Ident {
    match param {
        GenericParam::Lifetime(param) => &param.lifetime.ident,
        GenericParam::Type(param) => &param.ident,
        GenericParam::Const(param) => &param.ident,
    }
}
