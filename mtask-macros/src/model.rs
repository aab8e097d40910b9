//! What the functions of an `impl` mean to mtask.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, GenericParam, Pat, ReceiverKind, Result};
use syn::{ReturnType, Safety, Signature, Type};

use crate::argument::{Kept, kept, output};
use crate::context;
use crate::local::refuse_local;
use crate::options::Options;
use crate::parse::Function;
use crate::target::{Target, bare, cfgs, generated, mentions, passed_on};

/// An argument of a constructor or of `call`, or a field of a struct that is one.
pub(crate) struct Arg {
    pub(crate) cfg: Vec<Attribute>,
    /// What the user says about it.
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    /// As written.
    pub(crate) ty: TokenStream,
    /// As stored, without `Self`.
    pub(crate) stored: TokenStream,
    /// What a borrowed argument borrows, without `Self`.
    pub(crate) lent: Option<TokenStream>,
    /// What a borrowed slice is made of, without `Self`.
    pub(crate) item: Option<TokenStream>,
}

/// `fn new(args..) -> Self`, whatever its name.
pub(crate) struct Constructor<'a> {
    pub(crate) function: &'a Function,
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) args: Vec<Arg>,
    /// `Self`, as written, or a `Result` of it.
    pub(crate) returns: &'a Type,
}

/// `fn call(&mut self, args..) -> Output`.
pub(crate) struct Call<'a> {
    pub(crate) function: &'a Function,
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) args: Vec<Arg>,
    /// After them it takes a `&Context<'_>`.
    pub(crate) context: bool,
    pub(crate) output: TokenStream,
}

/// `fn finish(self) -> Summary`.
pub(crate) struct Finish<'a> {
    pub(crate) function: &'a Function,
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) summary: TokenStream,
}

impl<'a> Constructor<'a> {
    pub(crate) fn read(function: &'a Function, target: &Target, options: &Options) -> Result<Self> {
        let sig = &function.sig;
        refuse_qualifiers(sig)?;
        if let Some(receiver) = sig.receiver() {
            return Err(Error::new_spanned(
                receiver,
                format!("`{}` makes the worker: there is no `self` yet", sig.ident),
            ));
        }
        let ReturnType::Type(_, returns) = &sig.output else {
            return Err(Error::new(
                sig.ident.span(),
                format!("`{}` returns nothing: return `Self` or `Result<Self, E>`", sig.ident),
            ));
        };
        context::refuse(sig, options)?;
        let args = arguments(sig, target, Place::Spec)?;
        Ok(Self { function, cfg: function_cfg(function, target), args, returns })
    }
}

impl<'a> Call<'a> {
    pub(crate) fn read(function: &'a Function, target: &Target, options: &Options) -> Result<Self> {
        let sig = &function.sig;
        refuse_qualifiers(sig)?;
        match sig.receiver().map(|receiver| (receiver, &receiver.kind)) {
            Some((_, ReceiverKind::Reference(..))) => {}
            Some((_, ReceiverKind::Typed(_, ty))) if matches!(bare(ty), Type::Reference(_)) => {}
            Some((receiver, _)) => {
                return Err(Error::new_spanned(
                    receiver,
                    "a worker is called many times: take `&mut self`",
                ));
            }
            None => {
                return Err(Error::new(
                    sig.ident.span(),
                    "`call` needs the worker: take `&mut self` first",
                ));
            }
        }
        let place = if options.named.is_some() { Place::NamedInput } else { Place::Input };
        Self::of(function, target, options, place)
    }

    /// A function that is no method.
    pub(crate) fn of_function(
        function: &'a Function,
        target: &Target,
        options: &Options,
    ) -> Result<Self> {
        refuse_qualifiers(&function.sig)?;
        Self::of(function, target, options, Place::Input)
    }

    fn of(
        function: &'a Function,
        target: &Target,
        options: &Options,
        place: Place,
    ) -> Result<Self> {
        let mut sig = function.sig.clone();
        let context = context::take(&mut sig, options)?;
        let args = arguments(&sig, target, place)?;
        if let Some(cfg) = args.iter().find_map(|arg| arg.cfg.first()) {
            return Err(Error::new_spanned(
                cfg,
                "an input cannot change its shape: put the `cfg` on two functions in two impl \
                 blocks",
            ));
        }
        let output = returned(&sig)?;
        let cfg = function_cfg(function, target);
        Ok(Self { function, cfg, args, context, output })
    }
}

impl<'a> Finish<'a> {
    pub(crate) fn read(function: &'a Function, target: &Target) -> Result<Self> {
        let sig = &function.sig;
        refuse_qualifiers(sig)?;
        let by_value = |kind: &ReceiverKind| match kind {
            ReceiverKind::Value => true,
            ReceiverKind::Typed(_, ty) => target.is_self(ty),
            _ => false,
        };
        if !sig.receiver().is_some_and(|receiver| by_value(&receiver.kind)) || sig.inputs.len() > 1
        {
            return Err(Error::new(
                sig.ident.span(),
                "`finish` ends the worker and takes `self` alone; a method that is something else \
                 goes into another impl block",
            ));
        }
        let summary = returned(sig)?;
        Ok(Self { function, cfg: function_cfg(function, target), summary })
    }
}

fn function_cfg(function: &Function, target: &Target) -> Vec<Attribute> {
    target.cfg.iter().cloned().chain(passed_on(&function.attrs)).collect()
}

/// The type returned, which leaves the worker's thread.
fn returned(sig: &Signature) -> Result<TokenStream> {
    match &sig.output {
        ReturnType::Default => Ok(quote!(())),
        ReturnType::Type(_, ty) => {
            output(ty, &own_lifetimes(sig))?;
            Ok(ty.to_token_stream())
        }
    }
}

fn refuse_qualifiers(sig: &Signature) -> Result<()> {
    let name = &sig.ident;
    if let Some(asyncness) = &sig.asyncness {
        return Err(Error::new(
            asyncness.span(),
            format!("`{name}` cannot be async: the worker has a thread to itself, so let it block"),
        ));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        return Err(Error::new(
            token.span(),
            format!(
                "`{name}` cannot be unsafe: mtask calls it for you, so it has to be sound for all"
            ),
        ));
    }
    for param in &sig.generics.params {
        let span = match param {
            GenericParam::Lifetime(param) if param.bounds.is_empty() => continue,
            GenericParam::Lifetime(param) => param.lifetime.span(),
            GenericParam::Type(param) => param.ident.span(),
            GenericParam::Const(param) => param.ident.span(),
        };
        return Err(Error::new(
            span,
            format!("`{name}` cannot be generic itself: make it a parameter of the type"),
        ));
    }
    let own = own_lifetimes(sig);
    for predicate in sig.generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        let tokens = predicate.to_token_stream();
        if own.iter().any(|lifetime| mentions(&tokens, lifetime)) {
            return Err(Error::new_spanned(
                predicate,
                format!("a lifetime of `{name}` itself cannot be bounded: the argument is lent"),
            ));
        }
    }
    Ok(())
}

fn own_lifetimes(sig: &Signature) -> Vec<&Ident> {
    sig.generics.lifetimes().map(|param| &param.lifetime.ident).collect()
}

/// Where an argument is kept.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In a field of the spec, which is sent and shared.
    Spec,
    /// In a field of the input.
    NamedInput,
    /// In the input, by its position: it needs no name.
    Input,
}

fn arguments(sig: &Signature, target: &Target, place: Place) -> Result<Vec<Arg>> {
    let own = own_lifetimes(sig);
    let mut args = Vec::new();
    let mut errors: Option<Error> = None;
    for input in &sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let read = argument_name(&input.pat, args.len(), place).and_then(|name| {
            let kept = kept(&input.ty, &own)?;
            if place == Place::Spec {
                refuse_local(&input.ty)?;
            }
            Ok(Arg::new(name, &input.ty, kept, &input.attrs, target))
        });
        match read {
            Ok(arg) => args.push(arg),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    errors.map_or(Ok(args), Err)
}

fn argument_name(pat: &Pat, position: usize, place: Place) -> Result<Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Ok(pat.ident.clone()),
        _ if place == Place::Input => Ok(Ident::new(&format!("arg{position}"), Span::mixed_site())),
        pat => Err(Error::new_spanned(
            pat,
            "a field is made of this argument: give it a name, and match on it in the body",
        )),
    }
}

impl Arg {
    /// The type as it was spelled, less the reference of one that is lent.
    pub(crate) fn spelled(&self) -> &TokenStream {
        self.lent.as_ref().unwrap_or(&self.stored)
    }

    /// The name for a field of a generated struct.
    pub(crate) fn generated_name(&self) -> Ident {
        let mut name = self.name.clone();
        name.set_span(generated(name.span()));
        name
    }

    pub(crate) fn new(
        name: Ident,
        ty: &Type,
        kept: Kept<'_>,
        attrs: &[Attribute],
        target: &Target,
    ) -> Self {
        let (stored, lent, item) = match kept {
            Kept::Whole => (target.without_self(ty), None, None),
            Kept::Lent(elem) => {
                let lent = target.without_self(elem);
                let private = target.private_at(lent.span());
                // Said plainly where it can be: docs show it, and derives look for parameters.
                match elem {
                    Type::Slice(slice) => {
                        let item = target.without_self(&slice.elem);
                        (quote!(#private::Vec<#item>), Some(lent), Some(item))
                    }
                    Type::Path(path) if path.path.is_ident("str") => {
                        (quote!(#private::String), Some(lent), None)
                    }
                    _ => (quote!(<#lent as #private::ToOwned>::Owned), Some(lent), None),
                }
            }
        };
        let docs = attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
        let ty = ty.to_token_stream();
        Self { cfg: cfgs(attrs), docs, name, ty, stored, lent, item }
    }
}
