//! The type that a spec builds.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Error, GenericParam, Generics, ItemStruct, Lifetime, LifetimeParam, Meta};
use syn::{Result, Type, WherePredicate, parse_quote};

use crate::options::Options;
use crate::parse::Impl;

/// The worker's type, its generics, and what every item generated for it repeats.
pub(crate) struct Target {
    /// `Square`, of `some::Square<T>`.
    pub(crate) name: Ident,
    /// The whole of it: `some::Square<T>`.
    pub(crate) ty: TokenStream,
    /// Without defaults and without `Self`, which would mean something else in a spec.
    pub(crate) generics: Generics,
    /// The `cfg`s of the item, with which what is generated comes and goes, and the lints that the
    /// user allowed in it.
    pub(crate) cfg: Vec<Attribute>,
    /// The module of mtask that generated code names.
    pub(crate) private: TokenStream,
}

impl Target {
    pub(crate) fn of_impl(item: &Impl, options: &Options) -> Result<Self> {
        let Type::Path(path) = bare(&item.self_ty) else {
            return Err(not_nominal(&item.self_ty));
        };
        let Some(last) = path.path.segments.last() else {
            return Err(not_nominal(&item.self_ty));
        };
        let name = last.ident.clone();
        let mut generics = item.generics.clone();
        let ty = name_lifetimes(path.to_token_stream(), &mut generics);
        Ok(Self::new(name, ty, generics, &item.attrs, options))
    }

    pub(crate) fn of_struct(item: &ItemStruct, options: &Options) -> Self {
        let name = &item.ident;
        let (_, args, _) = item.generics.split_for_impl();
        Self::new(name.clone(), quote!(#name #args), item.generics.clone(), &item.attrs, options)
    }

    pub(crate) fn new(
        name: Ident,
        ty: TokenStream,
        mut generics: Generics,
        attrs: &[Attribute],
        options: &Options,
    ) -> Self {
        for param in &mut generics.params {
            match param {
                GenericParam::Type(param) => param.default = None,
                GenericParam::Const(param) => param.default = None,
                GenericParam::Lifetime(_) => {}
            }
        }
        let krate = match &options.krate {
            Some(given) => given.value.to_token_stream(),
            None => quote_spanned!(Span::mixed_site()=> ::mtask),
        };
        let private = quote_spanned!(Span::mixed_site()=> #krate::__private);
        let cfg = passed_on(attrs);
        let mut target = Self { name, ty, generics: Generics::default(), cfg, private };
        let where_clause = generics.where_clause.take().map(|it| target.without_self(it));
        let params = target.without_self(&generics);
        // What was parsed once, with a type in the place of `Self`, parses again.
        target.generics = syn::parse2(params).unwrap_or_default();
        target.generics.where_clause = where_clause.and_then(|it| syn::parse2(it).ok());
        target
    }

    /// `SquareSpec`, or whatever ends so.
    pub(crate) fn derived_name(&self, suffix: &str) -> Ident {
        let span = generated(self.name.span());
        format_ident!("{}{suffix}", self.name.unraw(), span = span)
    }

    /// The module of mtask, shown at this place in an error.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        let at = |mut token: TokenTree| {
            token.set_span(token.span().located_at(span));
            token
        };
        self.private.clone().into_iter().map(at).collect()
    }

    /// Whether a type is this one, as `Self` or by its name.
    pub(crate) fn is_self(&self, ty: &Type) -> bool {
        let Type::Path(path) = bare(ty) else { return false };
        path.path.is_ident("Self") || path.to_token_stream().to_string() == self.ty.to_string()
    }

    /// A type with `Self` replaced by the type itself.
    pub(crate) fn without_self(&self, tokens: impl ToTokens) -> TokenStream {
        let ty = &self.ty;
        replace_self(tokens.into_token_stream(), &|in_path| {
            if in_path { quote!(<#ty>) } else { ty.clone() }
        })
    }

    /// An expression with `Self` replaced by the struct itself.
    pub(crate) fn expr_without_self(&self, tokens: impl ToTokens) -> TokenStream {
        let (name, (_, args, _)) = (&self.name, self.generics.split_for_impl());
        let args = args.as_turbofish();
        replace_self(tokens.into_token_stream(), &|_| quote!(#name #args))
    }

    /// The where clause of the type with more predicates.
    pub(crate) fn where_clause(&self, more: &[TokenStream]) -> TokenStream {
        where_clause(&self.generics, more)
    }

    /// Whether a type parameter stands in these tokens, so that what holds of them is not known.
    pub(crate) fn is_generic(&self, tokens: &TokenStream) -> bool {
        self.generics.type_params().any(|param| mentions(tokens, &param.ident))
    }

    /// The lifetimes and types that none of these mention, as a tuple of something of each.
    pub(crate) fn unused(&self, fields: &[&TokenStream]) -> Option<TokenStream> {
        let unused = |ident: &Ident| !fields.iter().any(|tokens| mentions(tokens, ident));
        let mut parts = Vec::new();
        for param in &self.generics.params {
            match param {
                GenericParam::Lifetime(param) if unused(&param.lifetime.ident) => {
                    let lifetime = &param.lifetime;
                    parts.push(quote!(&#lifetime ()));
                }
                GenericParam::Type(param) if unused(&param.ident) => {
                    let ident = &param.ident;
                    // A pointer serves the unsized as well.
                    parts.push(quote!(*const #ident));
                }
                _ => {}
            }
        }
        (!parts.is_empty()).then(|| quote!(fn() -> (#(#parts,)*)))
    }
}

/// `Self` replaced by what stands for it, which is told whether a path goes on from there.
fn replace_self(tokens: TokenStream, ty: &dyn Fn(bool) -> TokenStream) -> TokenStream {
    let mut replaced = TokenStream::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => {
                let in_path =
                    tokens.clone().take(2).filter(|token| is_punct(token, ':')).count() == 2;
                replaced.extend(ty(in_path));
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replace_self(group.stream(), ty));
                inner.set_span(group.span());
                replaced.extend([TokenTree::Group(inner)]);
            }
            token => replaced.extend([token]),
        }
    }
    replaced
}

/// The where clause of some generics with more predicates.
pub(crate) fn where_clause(generics: &Generics, more: &[TokenStream]) -> TokenStream {
    let own = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let own: Vec<&WherePredicate> = own.collect();
    if own.is_empty() && more.is_empty() {
        return TokenStream::new();
    }
    quote!(where #(#own,)* #(#more,)*)
}

/// The type inside the invisible groups and parentheses that `macro_rules!` leaves around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}

/// The same place, but known as generated: lints of the user's crate pass it by.
pub(crate) fn generated(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// These tokens, shown by the compiler as if they stood where `place` stands.
pub(crate) fn placed(tokens: TokenStream, place: &TokenStream) -> TokenStream {
    let mut spans = place.clone().into_iter().map(|token| token.span());
    let Some(first) = spans.next() else { return tokens };
    let last = spans.last().unwrap_or(first);
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    // Both ends of one context, or the compiler takes the first alone.
    if let Some(token) = tokens.first_mut() {
        token.set_span(token.span().located_at(first));
    }
    if let [start, .., end] = &mut *tokens {
        end.set_span(start.span().located_at(last));
    }
    tokens.into_iter().collect()
}

/// The last place of these tokens.
pub(crate) fn last(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().last().map_or_else(Span::mixed_site, |token| token.span())
}

/// The `cfg`s among these.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// The attributes of an item that hold for what is made of it: its `cfg`s, and the lints allowed.
///
/// A lint expected is one allowed: it is met where it was written, and need not be met again.
pub(crate) fn passed_on(attrs: &[Attribute]) -> Vec<Attribute> {
    let allowed = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) if attr.path().is_ident("allow") || attr.path().is_ident("expect") => {
            let lints = &list.tokens;
            Some(parse_quote!(#[allow(#lints)]))
        }
        _ => None,
    });
    cfgs(attrs).into_iter().chain(allowed).collect()
}

/// Whether this identifier stands anywhere in these tokens.
pub(crate) fn mentions(tokens: &TokenStream, ident: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(word) => word.unraw() == ident.unraw(),
        TokenTree::Group(group) => mentions(&group.stream(), ident),
        _ => false,
    })
}

pub(crate) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Gives each `'_` of an impl's type a name: in a function's signature it would mean another.
fn name_lifetimes(ty: TokenStream, generics: &mut Generics) -> TokenStream {
    let mut named = TokenStream::new();
    let mut tokens = ty.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let anonymous = matches!(&token, TokenTree::Punct(p) if p.as_char() == '\'')
            && matches!(tokens.peek(), Some(TokenTree::Ident(word)) if word == "_");
        if anonymous {
            tokens.next();
            let name = format!("'anonymous{}", generics.params.len());
            let lifetime = Lifetime::new(&name, Span::mixed_site());
            lifetime.to_tokens(&mut named);
            generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime)));
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let inner = name_lifetimes(group.stream(), generics);
                named.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
            }
            token => named.extend([token]),
        }
    }
    named
}

fn not_nominal(ty: &Type) -> Error {
    Error::new_spanned(ty, "`#[delayed_init]` goes on the `impl` block of a struct or an enum")
}
