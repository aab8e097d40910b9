//! Reads the item under the attribute.
//!
//! Of an `impl`, only the head and the signatures are parsed. A body stays a token tree, so that
//! what is being typed inside it is the compiler's to judge and costs the editor nothing else.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Generics, ItemStruct, Result, Signature, Token, Type};
use syn::{Visibility, WhereClause, braced};

/// An item that can be expanded.
pub(crate) enum Item {
    Impl(Box<Impl>),
    Struct(Box<ItemStruct>),
    Function(Box<Function>),
}

/// An inherent `impl`, without the bodies of its functions.
pub(crate) struct Impl {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) generics: Generics,
    pub(crate) self_ty: Type,
    pub(crate) functions: Vec<Function>,
}

/// A function without its body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
}

impl Impl {
    /// The first function of this name.
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.named(name).next()
    }

    /// Refuses a second function of this name: both would give the same items.
    pub(crate) fn second(&self, name: &str) -> Option<Error> {
        let second = self.named(name).nth(1)?;
        Some(Error::new(
            second.sig.ident.span(),
            format!("a second `{name}`: put the `cfg` inside its body, or on two impl blocks"),
        ))
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Function> {
        self.functions.iter().filter(move |function| function.sig.ident.unraw() == name)
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        Attribute::parse_outer(&ahead)?;
        ahead.parse::<Visibility>()?;
        if ahead.peek(Token![struct]) {
            return Ok(Self::Struct(Box::new(input.parse()?)));
        }
        if ahead.peek(Token![unsafe]) && ahead.peek2(Token![impl]) {
            ahead.parse::<Token![unsafe]>()?;
        }
        if ahead.peek(Token![impl]) {
            return Ok(Self::Impl(Box::new(input.parse()?)));
        }
        if at_function(&ahead) {
            let attrs = input.call(Attribute::parse_outer)?;
            let function = Function { attrs, vis: input.parse()?, sig: input.parse()? };
            skip_item(input)?;
            return Ok(Self::Function(Box::new(function)));
        }
        Err(refuse(&ahead))
    }
}

impl Parse for Impl {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        input.parse::<Option<Token![unsafe]>>()?;
        input.parse::<Token![impl]>()?;
        let mut generics: Generics = input.parse()?;
        input.parse::<Option<Token![const]>>()?;
        input.parse::<Option<Token![!]>>()?;
        let self_ty: Type = input.parse()?;
        if input.peek(Token![for]) {
            return Err(Error::new_spanned(
                self_ty,
                "`#[delayed_init]` goes on the type's own `impl` block: `impl Type { .. }`, \
                 without a trait",
            ));
        }
        generics.where_clause = input.parse::<Option<WhereClause>>()?;
        let body;
        braced!(body in input);
        Ok(Self { attrs, generics, self_ty, functions: functions(&body)? })
    }
}

/// The functions in the body of an `impl`; whatever else stands there is stepped over.
fn functions(body: ParseStream<'_>) -> Result<Vec<Function>> {
    let mut found = Vec::new();
    body.call(Attribute::parse_inner)?;
    while !body.is_empty() {
        let attrs = body.call(Attribute::parse_outer)?;
        let vis = body.parse()?;
        if at_function(body) {
            found.push(Function { attrs, vis, sig: body.parse()? });
        }
        skip_item(body)?;
    }
    Ok(found)
}

/// Whether a signature begins here, with or without `const`, `async`, `unsafe`, `extern`.
fn at_function(body: ParseStream<'_>) -> bool {
    let ahead = body.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let modifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !modifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
}

/// Steps over the rest of an item, up to its `;` or its braces.
fn skip_item(body: ParseStream<'_>) -> Result<()> {
    while !body.is_empty() {
        match body.parse()? {
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    Ok(())
}

/// Why this item is none to put the attribute on, at the keyword that says so.
fn refuse(item: ParseStream<'_>) -> Error {
    let tokens: TokenStream = item.fork().parse().unwrap_or_default();
    for token in tokens {
        let TokenTree::Ident(word) = token else { continue };
        let reason = match &*word.to_string() {
            "enum" => "an enum has no fields to record: put `#[delayed_init]` on its `impl` block",
            "union" => "a union has no fields to record: put `#[delayed_init]` on its `impl` block",
            "trait" => "a trait is not built: put `#[delayed_init]` on the `impl` block of a type",
            "mod" | "type" | "static" | "use" | "macro_rules" => {
                "`#[delayed_init]` goes on an `impl` block or on a struct"
            }
            _ => continue,
        };
        return Error::new(word.span(), reason);
    }
    item.error("`#[delayed_init]` goes on an `impl` block or on a struct")
}
