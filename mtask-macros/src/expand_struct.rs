//! `#[delayed_init]` on a struct.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Error, Fields, Generics, ItemStruct, Type};

use crate::argument::{Kept, is_no_field};
use crate::fallback;
use crate::fields::{allow, clone_of, this};
use crate::init::{self, Init};
use crate::local::refuse_local;
use crate::model::Arg;
use crate::options::Options;
use crate::spec_type::SpecType;
use crate::target::{Target, mentions};

/// The struct without its `#[init]`s, and everything for it.
pub(crate) fn expand(mut item: ItemStruct, options: &Options) -> TokenStream {
    let target = Target::of_struct(&item, options);
    let refused = options.named.as_ref().map(|named| {
        Error::new(named.key, "`named` is about `call`, which is in an `impl` block")
            .into_compile_error()
    });
    let read = Reading::of(&mut item, &target);
    let expansion = if read.error.is_none() && !item.fields.iter().any(|it| is_no_field(&it.ty)) {
        spec(&target, options, &item, &read)
    } else {
        let (own, inputs, error) = (Generics::default(), read.inputs.iter(), read.error.as_ref());
        fallback::spec_of(&target, options, &item.vis, &own, inputs, error)
    };
    quote!(#item #refused #expansion)
}

/// The fields of a struct, sorted.
#[derive(Default)]
struct Reading {
    args: Vec<Arg>,
    made: Vec<Made>,
    /// The types of the arguments, of those without a name too.
    inputs: Vec<Type>,
    error: Option<Error>,
}

/// A field that is made inside the worker.
struct Made {
    field: Arg,
    init: Init,
    /// The arguments that the expression may name, by their place.
    sees: Vec<usize>,
}

impl Reading {
    /// Takes the `#[init]`s off the struct, mistaken or not.
    fn of(item: &mut ItemStruct, target: &Target) -> Self {
        let mut read = Self::default();
        if let Fields::Unnamed(fields) = &item.fields {
            read.refuse(Error::new(
                fields.paren_token.span.join(),
                "the arguments of a spec have names: give the fields names, or put \
                 `#[delayed_init]` on the `impl` block",
            ));
        }
        let names: Vec<Ident> = item.fields.iter().filter_map(|it| it.ident.clone()).collect();
        for (place, field) in item.fields.iter_mut().enumerate() {
            let init = init::take(field);
            let arg = field
                .ident
                .clone()
                .map(|name| Arg::new(name, &field.ty, Kept::Whole, &field.attrs, target));
            match (init, arg) {
                (Err(error), _) => read.refuse(error),
                (Ok(None), arg) => {
                    read.inputs.push(field.ty.clone());
                    if let Err(error) = refuse_local(&field.ty) {
                        read.refuse(error);
                    }
                    read.args.extend(arg);
                }
                (Ok(Some(init)), Some(field)) => {
                    read.made(field, init, names.get(place..).unwrap_or_default());
                }
                // Refused above, as a field of a tuple struct.
                (Ok(Some(_)), None) => {}
            }
        }
        read
    }

    fn made(&mut self, field: Arg, init: Init, later: &[Ident]) {
        let mut sees = Vec::new();
        if let Init::Expr(expr) = &init {
            if let Err(error) = init::refuse_later(expr, later) {
                self.refuse(error);
            }
            let tokens = expr.to_token_stream();
            let seen = |(_, arg): &(usize, &Arg)| may_name(&tokens, &arg.name);
            sees.extend(self.args.iter().enumerate().filter(seen).map(|(place, _)| place));
        }
        self.made.push(Made { field, init, sees });
    }

    /// Whether an expression may name this argument.
    fn sees(&self, place: usize) -> bool {
        self.made.iter().any(|made| made.sees.contains(&place))
    }

    fn refuse(&mut self, error: Error) {
        match &mut self.error {
            Some(errors) => errors.combine(error),
            None => self.error = Some(error),
        }
    }
}

fn spec(target: &Target, options: &Options, item: &ItemStruct, read: &Reading) -> TokenStream {
    let (private, this) = (&target.private, this());
    let spec = SpecType {
        target,
        options,
        cfg: &target.cfg,
        vis: &item.vis,
        args: &read.args,
        finishes: false,
        own_generics: None,
        taker: target.name.unraw().to_string(),
    };
    let cloned = |arg: &Arg| {
        let (cfg, name) = (&arg.cfg, &arg.name);
        (quote!(#(#cfg)*), name.clone(), clone_of(target, arg, &quote!(&#this.#name)))
    };
    let lets = read.made.iter().map(|made| {
        let (cfg, name, ty) = (&made.field.cfg, &made.field.name, &made.field.stored);
        let value = match &made.init {
            Init::Default => quote!(<#ty as #private::InitField>::init_field()),
            Init::Expr(expr) => {
                // Each expression has clones of its own: to use one up costs the others nothing.
                let args = made.sees.iter().filter_map(|&place| read.args.get(place));
                let clones = args.map(|arg| {
                    let (cfg, name, clone) = cloned(arg);
                    quote! {
                        #cfg
                        #[allow(unused_variables)]
                        let #name = #clone;
                    }
                });
                let expr = target.expr_without_self(expr);
                quote!({ #(#clones)* #expr })
            }
        };
        quote!(#(#cfg)* let #name: #ty = #value;)
    });
    let args = read.args.iter().map(|arg| {
        let (cfg, name, clone) = cloned(arg);
        quote!(#cfg #name: #clone)
    });
    let made = read.made.iter().map(|made| {
        let (cfg, name) = (&made.field.cfg, &made.field.name);
        quote!(#(#cfg)* #name)
    });
    let name = &target.name;
    let worker = Ident::new("worker", Span::mixed_site());
    // A field that an expression needs is no dead one, though the worker itself never reads it.
    let seen = read.args.iter().enumerate().filter(|(place, _)| read.sees(*place));
    let reads = seen.map(|(_, arg)| {
        let (cfg, name) = (&arg.cfg, &arg.name);
        quote!(#(#cfg)* let _ = &#worker.#name;)
    });
    let body = quote! {
        #private::init(|| {
            #(#lets)*
            let #worker = #name { #(#args,)* #(#made,)* };
            #(#reads)*
            #private::Result::Ok(#worker)
        })
    };
    let mut expansion = spec.expand();
    expansion.extend(spec.spec_impl(&[], &body));
    expansion.extend(constructor(target, options, item, read));
    expansion
}

/// The function that `new = ident` asks for: a worker made here and now.
fn constructor(
    target: &Target,
    options: &Options,
    item: &ItemStruct,
    read: &Reading,
) -> Option<TokenStream> {
    let name = &options.new.as_ref()?.value;
    let (private, cfg, vis, ty) = (&target.private, &target.cfg, &item.vis, &target.ty);
    let (params, _, _) = target.generics.split_for_impl();
    // What the arguments must be is what the spec must be.
    let spec = options.spec.as_ref().map(|given| given.value.clone());
    let spec = spec.unwrap_or_else(|| target.derived_name("Spec"));
    let (_, spec_args, _) = target.generics.split_for_impl();
    let where_clause = if target.generics.type_params().next().is_some() {
        target.where_clause(&[quote!(#spec #spec_args: #private::Spec<#ty>)])
    } else {
        target.where_clause(&[])
    };
    let inputs = read.args.iter().map(|arg| {
        let (cfg, name, ty) = (&arg.cfg, &arg.name, &arg.ty);
        quote!(#(#cfg)* #name: #ty)
    });
    let passed = read.args.iter().map(|arg| {
        let (cfg, name) = (&arg.cfg, &arg.name);
        quote!(#(#cfg)* #name)
    });
    let title = target.name.unraw();
    let doc = format!("Makes a `{title}` here and now, as its spec would.");
    let allow = allow();
    Some(quote! {
        #(#cfg)*
        #allow
        impl #params #ty #where_clause {
            #[doc = #doc]
            ///
            /// # Errors
            ///
            /// What an `#[init]` expression failed with.
            #vis fn #name(#(#inputs),*) -> #private::Result<Self, #private::BuildError> {
                #private::Spec::<Self>::build(&Self::spec(#(#passed),*))
            }
        }
    })
}

/// Whether an expression may name an argument, in a format string too.
fn may_name(tokens: &TokenStream, name: &Ident) -> bool {
    mentions(tokens, name) || in_literals(tokens, &name.unraw().to_string())
}

fn in_literals(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Literal(literal) => literal.to_string().contains(name),
        TokenTree::Group(group) => in_literals(&group.stream(), name),
        _ => false,
    })
}
