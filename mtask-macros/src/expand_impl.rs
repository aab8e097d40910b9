//! `#[delayed_init]` on an `impl` block.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Error;
use syn::ext::IdentExt;

use crate::fallback;
use crate::fields::{allow, clone_of, lent, storage_predicates, this};
use crate::input_type::InputType;
use crate::model::{Arg, Call, Constructor, Finish};
use crate::options::Options;
use crate::parse::{Function, Impl};
use crate::spec_type::SpecType;
use crate::target::{Target, generated, placed};

/// Everything for the functions of this block that mtask knows.
pub(crate) fn expand(item: &Impl, options: &Options) -> TokenStream {
    let target = match Target::of_impl(item, options) {
        Ok(target) => target,
        Err(error) => return error.into_compile_error(),
    };
    let new = item.function(&options.constructor());
    let call = item.function("call");
    let finish = item.function("finish");

    let mut expansion: TokenStream =
        refusals(item, options).map(Error::into_compile_error).collect();
    if let Some(function) = new {
        expansion.extend(match Constructor::read(function, &target, options) {
            Ok(new) => spec(&target, options, &new, finish.is_some()),
            Err(error) => fallback::spec(&target, options, function, &error),
        });
    }
    if let Some(function) = call {
        expansion.extend(match Call::read(function, &target, options) {
            Ok(call) => worker(&target, options, &call),
            Err(error) => fallback::worker(&target, options, function, &error),
        });
    }
    if let Some(function) = finish {
        expansion.extend(match Finish::read(function, &target) {
            Ok(finish) => summary(&target, &finish),
            Err(error) => error.into_compile_error(),
        });
    }
    expansion
}

/// A block that says nothing to mtask, or twice the same, and options that would change nothing.
fn refusals(item: &Impl, options: &Options) -> impl Iterator<Item = Error> {
    let constructor = options.constructor();
    let (new, call) = (item.function(&constructor), item.function("call"));
    let twice = [&*constructor, "call", "finish"].into_iter().find_map(|name| item.second(name));
    let missing = match (&options.new, new, call) {
        (Some(given), None, _) => Some(Error::new(
            given.value.span(),
            format!("there is no `fn {}` in this block", given.value),
        )),
        (None, None, None) if item.function("finish").is_none() => Some(Error::new(
            Span::call_site(),
            "neither `fn new` nor `fn call` is in this block: `new` gives the spec, `call` the \
             worker",
        )),
        _ => None,
    };
    let idle = if missing.is_some() { None } else { idle_option(options, new, call) };
    [twice, missing, idle].into_iter().flatten()
}

/// An option about something that is not there.
fn idle_option(
    options: &Options,
    new: Option<&Function>,
    call: Option<&Function>,
) -> Option<Error> {
    if let Some(named) = &options.named {
        let reason = match call {
            None => "`named` makes a struct of `call`'s arguments, and there is no `fn call` here",
            Some(call) if call.sig.inputs.len() < 2 => {
                "`named` makes a struct of `call`'s arguments, and `call` takes none"
            }
            Some(_) => return None,
        };
        return Some(Error::new(named.key, reason));
    }
    let spec = options.spec.as_ref().map(|given| given.key);
    let derive = options.derive.as_ref().map(|given| given.key);
    let debug = options.debug.as_ref().map(|given| given.key);
    let remote = options.remote.as_ref().map(|given| given.key);
    let key = spec.or(derive).or(debug).or(remote).filter(|_| new.is_none())?;
    Some(Error::new(key, "this is about the spec, and there is no `fn new` here to give one"))
}

fn spec(target: &Target, options: &Options, new: &Constructor<'_>, finishes: bool) -> TokenStream {
    let (private, ty, this) = (&target.private, &target.ty, this());
    let sig = &new.function.sig;
    let mut name = sig.ident.clone();
    name.set_span(generated(name.span()));
    let spec = SpecType {
        target,
        options,
        cfg: &new.cfg,
        vis: &new.function.vis,
        args: &new.args,
        finishes,
        own_generics: Some(&sig.generics),
        taker: format!("{}::{}", target.name.unraw(), name.unraw()),
    };
    let inputs = new.args.iter().map(|arg| {
        let (cfg, name) = (&arg.cfg, arg.generated_name());
        let stored = quote!(&#this.#name);
        let input = lent(target, arg, &stored).unwrap_or_else(|| clone_of(target, arg, &stored));
        quote!(#(#cfg)* #input)
    });
    // A return type that is none is shown where it is written.
    let worker = placed(quote!(<#ty>::#name(#(#inputs),*)), &new.returns.to_token_stream());
    let body = quote!(#private::built(#private::PhantomData::<#ty>, #worker));
    let mut expansion = spec.expand();
    expansion.extend(spec.spec_impl(&predicates(new.function, target), &body));
    expansion
}

/// The bounds that a function has of its own.
fn predicates(function: &Function, target: &Target) -> Vec<TokenStream> {
    let clause = function.sig.generics.where_clause.iter();
    clause.flat_map(|it| &it.predicates).map(|it| target.without_self(it)).collect()
}

fn worker(target: &Target, options: &Options, call: &Call<'_>) -> TokenStream {
    let (private, ty, cfg, output) = (&target.private, &target.ty, &call.cfg, &call.output);
    let struct_ty = options.named.is_some().then(|| InputType::new(target, options, call));
    let definition = struct_ty.as_ref().map(InputType::expand);
    let (mut input, mut pattern, inputs) = input_of(target, call);
    if let Some(struct_ty) = &struct_ty {
        let (name, fields) = (struct_ty.name(), call.args.iter().map(Arg::generated_name));
        let held = call.args.iter().enumerate().map(|(i, _)| held(i));
        (input, pattern) = (struct_ty.ty(), quote!(#name { #(#fields: #held),* }));
    }
    let mut more = predicates(call.function, target);
    more.extend(storage_predicates(target, &call.args));
    let where_clause = target.where_clause(&more);
    let (params, _, _) = target.generics.split_for_impl();
    let mut name = call.function.sig.ident.clone();
    name.set_span(generated(name.span()));
    let passed: Vec<_> = [quote!(self)].into_iter().chain(inputs).collect();
    let methods = methods(target, call, &pattern, &quote!(<#ty>::#name), &passed);
    let allow = allow();
    quote! {
        #definition
        #(#cfg)*
        #allow
        impl #params #private::Worker for #ty #where_clause {
            type Input = #input;
            type Output = #output;

            #methods
        }
    }
}

/// `Worker::call`, and `call_with` where the context is asked for: by a function, and what it is passed.
pub(crate) fn methods(
    target: &Target,
    call: &Call<'_>,
    pattern: &TokenStream,
    function: &TokenStream,
    passed: &[TokenStream],
) -> TokenStream {
    let private = &target.private;
    if !call.context {
        return quote! {
            fn call(&mut self, input: Self::Input) -> Self::Output {
                let #pattern = input;
                #function(#(#passed),*)
            }
        };
    }
    quote! {
        fn call(&mut self, input: Self::Input) -> Self::Output {
            #private::Worker::call_with(self, input, &#private::Context::detached())
        }

        fn call_with(
            &mut self,
            input: Self::Input,
            context: &#private::Context<'_>,
        ) -> Self::Output {
            let #pattern = input;
            #function(#(#passed,)* context)
        }
    }
}

/// The name under which an argument is held until it is passed on.
fn held(position: usize) -> Ident {
    format_ident!("arg{position}", span = Span::mixed_site())
}

/// The type of an input, the pattern that takes it apart, and what is passed on of it.
pub(crate) fn input_of(
    target: &Target,
    call: &Call<'_>,
) -> (TokenStream, TokenStream, Vec<TokenStream>) {
    let stored: Vec<_> = call.args.iter().map(|arg| &arg.stored).collect();
    let names: Vec<Ident> = (0..call.args.len()).map(held).collect();
    let (input, pattern) = match (&*stored, &*names) {
        ([stored], [name]) => (quote!(#stored), quote!(#name)),
        _ => (quote!((#(#stored),*)), quote!((#(#names),*))),
    };
    let lend = |(arg, held): (&Arg, &Ident)| {
        lent(target, arg, &quote!(&#held)).unwrap_or_else(|| quote!(#held))
    };
    let inputs = call.args.iter().zip(&names).map(lend).collect();
    (input, pattern, inputs)
}

fn summary(target: &Target, finish: &Finish<'_>) -> TokenStream {
    let (private, ty, cfg, summary) = (&target.private, &target.ty, &finish.cfg, &finish.summary);
    let where_clause = target.where_clause(&predicates(finish.function, target));
    let (params, _, _) = target.generics.split_for_impl();
    let mut name = finish.function.sig.ident.clone();
    name.set_span(generated(name.span()));
    // That the type is no worker is shown where it was taken for one.
    let worker = placed(ty.clone(), &name.to_token_stream());
    let allow = allow();
    quote! {
        #(#cfg)*
        #allow
        impl #params #private::Finish for #worker #where_clause {
            type Summary = #summary;

            fn finish(self) -> #summary {
                <#ty>::#name(self)
            }
        }
    }
}
