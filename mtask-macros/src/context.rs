//! The context of an item: the last argument of `call`, and no part of its input.

use proc_macro2::Ident;
use syn::{Error, FnArg, GenericArgument, Lifetime, PatType, Path, PathArguments, Result};
use syn::{Signature, Type, TypeReference};

use crate::argument::is_brief;
use crate::options::Options;
use crate::target::bare;

/// Takes the context off the arguments, where it is there.
///
/// # Errors
///
/// One that is there in another form than a run can give it in.
pub(crate) fn take(sig: &mut Signature, options: &Options) -> Result<bool> {
    let forms = forms(sig, options);
    let last = forms.len().saturating_sub(1);
    for (place, (input, form)) in forms.iter().enumerate() {
        match form {
            Form::Other => {}
            Form::Lent if place == last => {}
            Form::Lent | Form::Wrong => return Err(misused(&input.ty)),
            Form::Renamed => return Err(renamed(&input.ty)),
        }
    }
    let found = matches!(forms.last(), Some((_, Form::Lent)));
    if found {
        sig.inputs.pop();
    }
    Ok(found)
}

/// The types of the arguments without those that were meant as the context, right or wrong.
pub(crate) fn inputs<'a>(sig: &'a Signature, options: &Options) -> impl Iterator<Item = &'a Type> {
    let inputs = forms(sig, options).into_iter();
    inputs.filter(|(_, form)| matches!(form, Form::Other)).map(|(input, _)| &*input.ty)
}

/// Refuses a context where there is no item yet.
pub(crate) fn refuse(sig: &Signature, options: &Options) -> Result<()> {
    let forms = forms(sig, options);
    let Some((input, _)) = forms.iter().find(|(_, form)| matches!(form, Form::Lent)) else {
        return Ok(());
    };
    let message = format!(
        "the context is that of an item, and there is none yet in `{}`: take it in `call`",
        sig.ident
    );
    Err(Error::new_spanned(&input.ty, message))
}

/// The arguments but `self`, and how they look.
fn forms<'a>(sig: &'a Signature, options: &Options) -> Vec<(&'a PatType, Form)> {
    let own: Vec<&Ident> = sig.generics.lifetimes().map(|it| &it.lifetime.ident).collect();
    let typed = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(input),
        FnArg::Receiver(_) => None,
    });
    let form = |(place, input): (usize, &'a PatType)| match read(&input.ty, &own, options) {
        // A worker has an input before it has a context.
        Form::Renamed if place == 0 => (input, Form::Other),
        form => (input, form),
    };
    typed.enumerate().map(form).collect()
}

/// How a type looks to one who looks for the context.
enum Form {
    /// As it has to be written.
    Lent,
    /// Mtask's in another form.
    Wrong,
    /// A borrow that no input can hold; so it may be the context under another name.
    Renamed,
    Other,
}

fn read(ty: &Type, own_lifetimes: &[&Ident], options: &Options) -> Form {
    let (reference, elem) = match bare(ty) {
        Type::Reference(reference) => (Some(reference), bare(&reference.elem)),
        ty => (None, ty),
    };
    let Type::Path(path) = elem else { return Form::Other };
    let Some(last) = path.path.segments.last() else { return Form::Other };
    let lifetime = match &last.arguments {
        PathArguments::None => None,
        PathArguments::AngleBracketed(args) => match args.args.first() {
            Some(GenericArgument::Lifetime(lifetime)) if args.args.len() == 1 => Some(lifetime),
            _ => return Form::Other,
        },
        PathArguments::Parenthesized(_) => return Form::Other,
    };
    let brief = |lifetime: &Lifetime| is_brief(lifetime, own_lifetimes);
    let is_lent = |reference: &TypeReference| {
        reference.mutability.is_none() && reference.lifetime.as_ref().is_none_or(brief)
    };
    let is_brief = lifetime.is_some_and(brief);
    if last.ident != "Context" {
        return if is_brief { Form::Renamed } else { Form::Other };
    }
    let is_ours = is_of_mtask(&path.path, options);
    if path.path.segments.len() > 1 && !is_ours && !is_brief {
        return Form::Other;
    }
    let lifetime_is_right = is_brief || (is_ours && lifetime.is_none());
    if reference.is_some_and(is_lent) && lifetime_is_right { Form::Lent } else { Form::Wrong }
}

/// Whether a path goes through mtask, or what mtask is called here.
fn is_of_mtask(path: &Path, options: &Options) -> bool {
    let given = options.krate.as_ref().and_then(|given| given.value.segments.last());
    let mut before = path.segments.iter().rev().skip(1);
    before.any(|it| it.ident == "mtask" || given.is_some_and(|given| given.ident == it.ident))
}

fn misused(ty: &Type) -> Error {
    Error::new_spanned(
        ty,
        "`call` takes the context of its item as the last argument, written \
         `context: &Context<'_>`; a type of your own of this name goes by its path: \
         `self::Context`",
    )
}

fn renamed(ty: &Type) -> Error {
    Error::new_spanned(
        ty,
        "a borrow inside an argument cannot be stored: take it owned; mtask's context goes by its \
         own name, as the last argument: `context: &mtask::Context<'_>`",
    )
}
