//! What an argument's type asks of the spec.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Error, GenericArgument, Ident, Lifetime, ParenthesizedGenericArguments, PathArguments};
use syn::{PathSegment, Result, TraitBound, Type, TypeFnPtr, TypeImplTrait, TypeReference};

use crate::target::bare;

/// How an argument is kept.
pub(crate) enum Kept<'a> {
    /// As it is written.
    Whole,
    /// Owned, and lent: the type behind the reference.
    Lent(&'a Type),
}

/// Decides how an argument is kept.
///
/// A reference that names a lifetime of the type, or `'static`, outlives the spec and is kept as
/// it is. Any other lives for the call alone: its referent is stored owned.
///
/// # Errors
///
/// What no spec can hold, at the token that makes it so.
pub(crate) fn kept<'a>(ty: &'a Type, own_lifetimes: &[&Ident]) -> Result<Kept<'a>> {
    let Type::Reference(reference) = bare(ty) else {
        refuse_borrows(ty, own_lifetimes, &ARGUMENT)?;
        return Ok(Kept::Whole);
    };
    if let Some(mutability) = &reference.mutability {
        return Err(Error::new(
            mutability.span(),
            "a `&mut` argument outlives no call: take the value itself, or an `Arc<Mutex<..>>` \
             that is shared",
        ));
    }
    let elem = bare(&reference.elem);
    let brief = reference.lifetime.as_ref().is_none_or(|it| is_brief(it, own_lifetimes));
    match elem {
        Type::TraitObject(object) if brief => Err(Error::new_spanned(
            object,
            "a borrowed trait object cannot be stored owned: take an `Arc<dyn Trait + Send + Sync>`, \
             or a reference for `'static`",
        )),
        _ => {
            refuse_borrows(elem, own_lifetimes, &ARGUMENT)?;
            Ok(if brief { Kept::Lent(elem) } else { Kept::Whole })
        }
    }
}

/// Refuses what cannot leave the worker's thread, in a return type.
pub(crate) fn output(ty: &Type, own_lifetimes: &[&Ident]) -> Result<()> {
    refuse_borrows(ty, own_lifetimes, &OUTPUT)
}

struct Refusals {
    borrow: &'static str,
    impl_trait: &'static str,
}

const ARGUMENT: Refusals = Refusals {
    borrow: "a borrow inside an argument cannot be stored: take it owned (`Option<String>` for \
             `Option<&str>`), or for `'static`",
    impl_trait: "an `impl Trait` argument has no name to store it under: take the type itself (`&Path` \
                 for `impl AsRef<Path>`, `&str` for `impl Into<String>`), a generic parameter of \
                 the worker's type, or an `Arc<dyn Trait + Send + Sync>`",
};

const OUTPUT: Refusals = Refusals {
    borrow: "a borrow cannot outlive the call: return it owned",
    impl_trait: "an `impl Trait` has no name to return it under: return a named type, or a \
                 `Box<dyn Trait + Send>`",
};

fn refuse_borrows(ty: &Type, own_lifetimes: &[&Ident], refusals: &'static Refusals) -> Result<()> {
    let mut finder = Finder { own_lifetimes, refusals, bound: Vec::new(), found: None };
    finder.visit_type(ty);
    finder.found.map_or(Ok(()), Err)
}

/// Whether a lifetime ends with the call.
pub(crate) fn is_brief(lifetime: &Lifetime, own_lifetimes: &[&Ident]) -> bool {
    lifetime.ident == "_" || own_lifetimes.contains(&&lifetime.ident)
}

fn names_lifetime(segment: &PathSegment) -> bool {
    match &segment.arguments {
        PathArguments::AngleBracketed(args) => {
            matches!(args.args.first(), Some(GenericArgument::Lifetime(_)))
        }
        _ => true,
    }
}

/// Whether a field of this type is refused by the compiler already, where it is written.
pub(crate) fn is_no_field(ty: &Type) -> bool {
    refuse_borrows(ty, &[], &ARGUMENT).is_err()
}

/// Looks for lifetimes that last for a call only, and for types without a name.
struct Finder<'a> {
    own_lifetimes: &'a [&'a Ident],
    refusals: &'static Refusals,
    /// Lifetimes introduced by a `for<..>` around: they belong to the type.
    bound: Vec<Ident>,
    found: Option<Error>,
}

impl Finder<'_> {
    fn refuse(&mut self, span: Span, reason: &str) {
        self.found.get_or_insert_with(|| Error::new(span, reason));
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.is_none() {
            return self.refuse(reference.and_token.span(), self.refusals.borrow);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if is_brief(lifetime, self.own_lifetimes) && !self.bound.contains(&lifetime.ident) {
            self.refuse(lifetime.span(), self.refusals.borrow);
        }
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        // The one borrow of the prelude's kin that is often written without its lifetime.
        if segment.ident == "Cow" && !names_lifetime(segment) {
            return self.refuse(segment.ident.span(), self.refusals.borrow);
        }
        visit::visit_path_segment(self, segment);
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.refuse(ty.impl_token.span(), self.refusals.impl_trait);
    }

    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        let before = self.bound.len();
        let lifetimes = bound.lifetimes.iter().flat_map(|it| &it.lifetimes);
        self.bound.extend(lifetimes.filter_map(|param| match param {
            syn::GenericParam::Lifetime(param) => Some(param.lifetime.ident.clone()),
            _ => None,
        }));
        self.visit_path(&bound.path);
        self.bound.truncate(before);
    }

    // In a function's own arguments and result a lifetime is the function's: `fn(&str) -> &str`
    // borrows from nobody.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}
