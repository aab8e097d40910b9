//! Arguments that are known by their spelling to stay in their thread.
//!
//! The compiler would find them out as well, but it says so again wherever the spec is used, and
//! once for `Send` and once for `Sync`. What is not known for certain is left to it.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::TypeTraitObject;
use syn::{Error, GenericArgument, Path, PathArguments, PathSegment, Result, Type, TypeParamBound};

use crate::target::bare;

/// Refuses an argument that holds an `Rc`, a raw pointer, or a function that is not sent or shared.
pub(crate) fn refuse_local(ty: &Type) -> Result<()> {
    match bare(ty) {
        Type::Ptr(pointer) => Err(refused(
            pointer,
            "a raw pointer cannot be sent to the worker's thread: take a value that can, or a type \
             of your own that is `Send`",
        )),
        Type::Reference(reference) => match bare(&reference.elem) {
            Type::TraitObject(object) => refuse_object(object, &["Sync"]),
            elem => refuse_local(elem),
        },
        Type::Slice(slice) => refuse_local(&slice.elem),
        Type::Array(array) => refuse_local(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().try_for_each(refuse_local),
        Type::Path(path) if path.qself.is_none() => refuse_path(&path.path),
        _ => Ok(()),
    }
}

fn refuse_path(path: &Path) -> Result<()> {
    let Some(last) = path.segments.last() else { return Ok(()) };
    match &*last.ident.to_string() {
        "Rc" if is_of(path, "rc") => Err(refused(
            path,
            "an `Rc` cannot be sent to the worker's thread: take an `Arc`, or make the `Rc` there",
        )),
        "Arc" if is_of(path, "sync") => inside(last).try_for_each(refuse_unshared),
        "Box" if is_of(path, "boxed") => inside(last).try_for_each(refuse_boxed),
        "Option" | "Result" | "Vec" => inside(last).try_for_each(refuse_local),
        _ => Ok(()),
    }
}

fn refuse_unshared(ty: &Type) -> Result<()> {
    match bare(ty) {
        Type::TraitObject(object) => refuse_object(object, &["Send", "Sync"]),
        Type::Path(path)
            if is_of(&path.path, "cell")
                && path.path.segments.last().is_some_and(|last| last.ident == "RefCell") =>
        {
            Err(refused(
                path,
                "a `RefCell` cannot be shared between threads: take an `Arc<Mutex<..>>`",
            ))
        }
        ty => refuse_local(ty),
    }
}

/// A trait object behind a pointer that is sent where the object has these.
fn refuse_object(object: &TypeTraitObject, needs: &[&str]) -> Result<()> {
    if says(object, needs) {
        return Ok(());
    }
    let needs = needs.join(" + ");
    if is_function(object) {
        let reason =
            format!("this function is shared between threads: write `dyn Fn(..) + {needs}`");
        return Err(refused(object, &reason));
    }
    match ["Any", "Debug", "Display"].iter().find(|name| says(object, &[name])) {
        // One of the user's own may have them as supertraits.
        None => Ok(()),
        Some(name) => Err(refused(
            object,
            &format!("this is shared between threads: write `dyn {name} + {needs}`"),
        )),
    }
}

fn refuse_boxed(ty: &Type) -> Result<()> {
    match bare(ty) {
        Type::TraitObject(object) if is_function(object) => Err(refused(
            object,
            "a boxed function cannot be cloned for each worker: take an `Arc<dyn Fn(..) + Send + \
             Sync>`",
        )),
        ty => refuse_local(ty),
    }
}

/// Whether a path is a single name, as imported, or goes through this module.
fn is_of(path: &Path, module: &str) -> bool {
    let before = path.segments.iter().rev().nth(1);
    before.is_none_or(|segment| segment.ident == module)
}

/// The types in angle brackets.
fn inside(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let args = match &segment.arguments {
        PathArguments::AngleBracketed(args) => Some(&args.args),
        _ => None,
    };
    args.into_iter().flatten().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn is_function(object: &TypeTraitObject) -> bool {
    ["Fn", "FnMut", "FnOnce"].iter().any(|function| says(object, &[function]))
}

/// Whether all of these are among the bounds.
fn says(object: &TypeTraitObject, names: &[&str]) -> bool {
    let bounds: Vec<&Ident> = object.bounds.iter().filter_map(trait_name).collect();
    names.iter().all(|name| bounds.iter().any(|bound| *bound == name))
}

fn trait_name(bound: &TypeParamBound) -> Option<&Ident> {
    match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

fn refused(tokens: impl ToTokens, reason: &str) -> Error {
    Error::new_spanned(tokens, reason)
}
