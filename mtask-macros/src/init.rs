//! `#[init]` on the field of a struct.

use proc_macro2::Ident;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Error, Expr, ExprCall, ExprPath, Field, Meta, PatIdent, Result};

/// How a field is made inside the worker.
pub(crate) enum Init {
    /// `#[init]`: by `Default`.
    Default,
    /// `#[init(expr)]`.
    Expr(Box<Expr>),
}

/// Takes the `#[init]` off a field.
pub(crate) fn take(field: &mut Field) -> Result<Option<Init>> {
    let (inits, rest): (Vec<_>, _) =
        field.attrs.drain(..).partition(|attr: &Attribute| attr.path().is_ident("init"));
    field.attrs = rest;
    if let Some(second) = inits.get(1) {
        return Err(Error::new_spanned(second, "a field is made once: keep one `#[init]`"));
    }
    inits.first().map(read).transpose()
}

fn read(attr: &Attribute) -> Result<Init> {
    match &attr.meta {
        Meta::Path(_) => Ok(Init::Default),
        Meta::List(list) if list.tokens.is_empty() => Err(Error::new_spanned(
            list,
            "an expression is missing: `#[init(expr)]`, or `#[init]` for the default",
        )),
        Meta::List(list) => Ok(Init::Expr(Box::new(list.parse_args::<OneExpr>()?.0))),
        Meta::NameValue(meta) => Err(Error::new(
            meta.eq_token.span(),
            "write the expression in parentheses: `#[init(expr)]`",
        )),
    }
}

struct OneExpr(Expr);

impl Parse for OneExpr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expr = input.parse()?;
        if input.is_empty() {
            return Ok(Self(expr));
        }
        Err(input.error("`#[init(expr)]` takes one expression"))
    }
}

/// Refuses an expression that names a field which is not made yet.
pub(crate) fn refuse_later(expr: &Expr, later: &[Ident]) -> Result<()> {
    let mut uses = Uses::default();
    uses.visit_expr(expr);
    // A name that the expression binds anywhere is its own; the compiler sorts that out.
    let unbound = uses.used.iter().filter(|name| !uses.bound.contains(name));
    match unbound.into_iter().find(|name| later.contains(name)) {
        Some(name) => Err(Error::new(
            name.span(),
            format!(
                "`{name}` is not made yet: an `#[init]` expression sees the fields above its own"
            ),
        )),
        None => Ok(()),
    }
}

/// The names that an expression takes from around it, and those it makes.
#[derive(Default)]
struct Uses {
    used: Vec<Ident>,
    bound: Vec<Ident>,
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.used.extend(path.path.get_ident().cloned());
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        // A function may well have the name of the field that it makes.
        if !matches!(&*call.func, Expr::Path(path) if path.path.get_ident().is_some()) {
            self.visit_expr(&call.func);
        }
        for arg in &call.args {
            self.visit_expr(arg);
        }
    }

    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        self.bound.push(pat.ident.clone());
        visit::visit_pat_ident(self, pat);
    }
}
