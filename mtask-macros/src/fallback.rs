//! What stands in for an expansion that failed.
//!
//! The user's item is there in any case. Beside the one `compile_error!`, the names and impls that
//! the rest of the program counts on are there too, so that one mistake gives one error.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, FnArg, Generics, ReturnType, Signature, Type, Visibility};

use crate::context;
use crate::options::Options;
use crate::parse::Function;
use crate::spec_type::SpecType;
use crate::spelling::is_word;
use crate::target::{Target, bare, is_punct, mentions};

/// In the place of a constructor's spec.
pub(crate) fn spec(
    target: &Target,
    options: &Options,
    function: &Function,
    error: &Error,
) -> TokenStream {
    let sig = &function.sig;
    let inputs = sig.inputs.iter().filter_map(typed);
    spec_of(target, options, &function.vis, &sig.generics, inputs, Some(error))
}

/// A spec that records nothing, with a `Type::spec` that takes these.
///
/// Without an error where the compiler has one of its own.
pub(crate) fn spec_of<'a>(
    target: &Target,
    options: &Options,
    vis: &Visibility,
    own_generics: &Generics,
    inputs: impl Iterator<Item = &'a Type>,
    error: Option<&Error>,
) -> TokenStream {
    let (ty, cfg) = (&target.ty, &target.cfg);
    let empty = SpecType {
        target,
        options,
        cfg,
        vis,
        args: &[],
        finishes: false,
        own_generics: None,
        taker: target.name.to_string(),
    };
    let message = error.map(Error::to_compile_error);
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

/// In the place of a worker: its input and output are as near to what was meant as can be said.
pub(crate) fn worker(
    target: &Target,
    options: &Options,
    function: &Function,
    error: &Error,
) -> TokenStream {
    let (private, ty, cfg) = (&target.private, &target.ty, &target.cfg);
    let sig = &function.sig;
    let arguments = context::inputs(sig, options);
    let inputs: Vec<_> = arguments.map(|ty| meant_input(ty, sig, private)).collect();
    let input = match &*inputs {
        [one] => one.clone(),
        all => quote!((#(#all),*)),
    };
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => meant(ty, sig),
    };
    let message = error.to_compile_error();
    let (params, _, clause) = target.generics.split_for_impl();
    quote! {
        #message
        #(#cfg)*
        #[allow(warnings)]
        impl #params #private::Worker for #ty #clause {
            type Input = #input;
            type Output = #output;

            fn call(&mut self, input: Self::Input) -> Self::Output { loop {} }
        }
    }
}

fn typed(input: &FnArg) -> Option<&Type> {
    match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(input) => Some(&input.ty),
    }
}

/// What an argument is owned as.
fn meant_input(ty: &Type, sig: &Signature, private: &TokenStream) -> TokenStream {
    match bare(ty) {
        Type::Reference(reference) => {
            let lent = meant(&reference.elem, sig);
            quote!(<#lent as #private::ToOwned>::Owned)
        }
        ty => meant(ty, sig),
    }
}

/// A type that stands alone: any borrow is for `'static`, and what only the function itself can
/// name is nothing.
fn meant(ty: &Type, sig: &Signature) -> TokenStream {
    let tokens = ty.to_token_stream();
    let own = sig.generics.type_params().any(|param| mentions(&tokens, &param.ident));
    if own || mentions(&tokens, &Ident::new("impl", Span::call_site())) {
        return quote!(());
    }
    lasting(tokens, sig)
}

/// Every lifetime that is not the type's own made `'static`.
fn lasting(tokens: TokenStream, sig: &Signature) -> TokenStream {
    let brief = |word: &Ident| {
        word == "_" || sig.generics.lifetimes().any(|param| param.lifetime.ident == *word)
    };
    let mut lasting = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let next = tokens.peek();
        if is_word(&token, "Cow") && next.is_some_and(|next| is_punct(next, '<')) {
            lasting.extend([token]);
            lasting.extend(tokens.next());
            if !tokens.peek().is_some_and(|next| is_punct(next, '\'')) {
                lasting.extend(quote!('static,));
            }
        } else if is_punct(&token, '&') && !next.is_some_and(|next| is_punct(next, '\'')) {
            lasting.extend(quote!(&'static));
        } else if is_punct(&token, '\'')
            && matches!(next, Some(TokenTree::Ident(word)) if brief(word))
        {
            tokens.next();
            lasting.extend(quote!('static));
        } else if let TokenTree::Group(group) = token {
            let inner = self::lasting(group.stream(), sig);
            lasting.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
        } else {
            lasting.extend([token]);
        }
    }
    lasting
}

/// In the place of a function's worker.
pub(crate) fn function(
    target: &Target,
    options: &Options,
    function: &Function,
    error: &Error,
) -> TokenStream {
    let (private, name, vis) = (&target.private, &target.name, &function.vis);
    let worker = worker(target, options, function, error);
    quote! {
        #worker
        #[allow(non_camel_case_types)]
        #[derive(#private::Clone, #private::Debug)]
        #vis struct #name {}
        impl #name {
            #[doc(hidden)]
            #vis fn spec() -> Self { loop {} }
        }
        impl #private::Spec<#name> for #name {
            fn build(&self) -> #private::Result<#name, #private::BuildError> { loop {} }
        }
    }
}
