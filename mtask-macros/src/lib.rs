//! The attribute macro of [mtask](https://docs.rs/mtask): use it through that crate.
//!
//! | Module | What it holds |
//! |---|---|
//! | `parse`, `options` | the item and the attribute's options, read |
//! | `keywords` | names that are keywords in a later edition than the caller's |
//! | `model`, `argument`, `init` | what a function, an argument, an `#[init]` means, or why it cannot |
//! | `context` | the argument of `call` that is no input |
//! | `local` | arguments that are known to stay in their thread |
//! | `target`, `spelling` | the type that is built; what the spelling of a type tells |
//! | `expand_impl`, `expand_struct` | the two forms |
//! | `spec_type`, `input_type`, `fields` | the structs that are generated |
//! | `fallback` | what stands in for an expansion that failed |
#![forbid(unsafe_code)]

mod argument;
mod context;
mod expand_fn;
mod expand_impl;
mod expand_struct;
mod fallback;
mod fields;
mod init;
mod input_type;
mod keywords;
mod local;
mod model;
mod options;
mod parse;
mod remote;
mod spec_type;
mod spelling;
mod target;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use options::Options;
use parse::Item;

/// Records a worker's constructor arguments in a spec, to build the worker where it will run.
///
/// It goes on the `impl` block of a type, or on a struct. What was written is left as it is; beside
/// it come, for a type `Square`:
///
/// | Written | Generated |
/// |---|---|
/// | `fn new(args..) -> Self` | the struct `SquareSpec` of the arguments, which is a `Spec<Square>`, and `Square::spec(args..)` |
/// | `fn call(&mut self, args..) -> T` | `impl Worker for Square` |
/// | `fn finish(self) -> T` | `impl Finish for Square` |
/// | a function, with `remote` | a worker for processes, and its spec, `square::spec()` |
/// | a struct | `SquareSpec` and `Square::spec` of its fields, less those with `#[init]` |
///
/// # On an `impl` block
///
/// `new` alone gives the spec, `call` alone the worker, both give both. `new` runs in the worker's
/// own thread and returns `Self` or a `Result<Self, E>` by whatever name, where `E` is an error or a
/// message: `E: Into<Box<dyn Error + Send + Sync>>`. It stays callable.
///
/// ```
/// use std::path::Path;
///
/// use mtask::prelude::*;
///
/// struct Lookup {
///     words: Vec<String>,
/// }
///
/// #[delayed_init]
/// impl Lookup {
///     /// Reads the words: once in each worker.
///     fn new(path: &Path, lowercase: bool) -> std::io::Result<Self> {
///         let text = std::fs::read_to_string(path)?;
///         let text = if lowercase { text.to_lowercase() } else { text };
///         Ok(Self { words: text.lines().map(str::to_owned).collect() })
///     }
///
///     fn call(&mut self, word: &str) -> Option<usize> {
///         self.words.iter().position(|known| known == word)
///     }
/// }
///
/// # let file = std::env::temp_dir().join(format!("mtask-lookup-{}", std::process::id()));
/// # std::fs::write(&file, "One\nTwo")?;
/// let words = ["two", "three"].map(str::to_owned);
/// let specs = Lookup::spec(&file, true).times(2);
/// let places: Vec<_> = par_stateful(words, specs).collect::<Result<_, _>>()?;
/// assert_eq!(places, [Some(1), None]);
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ## Arguments
///
/// - An argument is stored as it is written, and has to be `Clone` and `Send`.
/// - A borrowed one (`&str`, `&Path`, `&[T]`, `&T` of any `T: ToOwned`) is stored owned and lent
///   again: to `new` by the spec, to `call` by the input. `&'static T`, and a reference for a
///   lifetime of the type, are stored as they are written.
/// - One `call` argument is the `Input`; several are a tuple; none is `()`. See also `named` below.
/// - Arguments of `new`, and of a `call` with `named`, become fields and so have names.
///
/// The fields of the spec are as visible as `new`, so that a struct literal is a call with named
/// arguments, and `..` varies a few of them. It has one field more, `marker`, if the type has a
/// parameter that no argument mentions. A spec is `Clone` and `Debug`; what is not `Debug` itself is
/// shown by the name of its type, except where that type depends on a parameter: then the spec is
/// `Debug` if its arguments are.
///
/// ```
/// # use mtask::prelude::*;
/// # struct Model(String, u8);
/// #[delayed_init]
/// impl Model {
///     fn new(name: &str, gpu: u8) -> Self {
///         # /*
///         ..
///         # */ Self(name.to_owned(), gpu)
///     }
/// }
///
/// let base = Model::spec("large", 0);
/// assert_eq!(format!("{base:?}"), r#"ModelSpec { name: "large", gpu: 0 }"#);
/// let specs: Vec<_> = (0..4).map(|gpu| ModelSpec { gpu, ..base.clone() }).collect();
/// assert_eq!(specs[3].build()?.1, 3);
/// # Ok::<(), mtask::BuildError>(())
/// ```
///
/// ## What a worker knows of its item
///
/// A last argument of type `&Context<'_>` of `call` is no part of the input: it has the item's index, the
/// worker's number, how often the item was begun, and whether the run was cancelled. The name `Context` is taken for
/// mtask's; a type of your own of this name goes by its path, `self::Context`.
///
/// ## The end of a worker
///
/// `fn finish(self) -> T` gives `Finish`, also where it stands alone in a block. A run calls it where it
/// was asked `.with_summaries()`, and else drops its workers: what has to happen in any case belongs into
/// `Drop`. With `remote` in the same block what it leaves is sent from the worker's process, and has to be
/// serde. A `finish` of another shape is refused, lest it be taken for one: it goes
/// into an `impl` block without the attribute.
///
/// # On a struct
///
/// Fields are arguments. A field with `#[init]` is made inside the worker: by `Default`, or by
/// `#[init(expr)]`. An expression sees the fields above its own, by name:
///
/// - an argument, as a clone that this expression alone owns and may use up;
/// - an `#[init]` field, as the value itself, to be borrowed or cloned;
///
/// and may fail by `?`. `Self` in it is the struct. `Worker` is implemented by hand, or by `call` in an `impl` block with the
/// attribute.
///
/// ```
/// use mtask::prelude::*;
///
/// #[delayed_init]
/// struct Square {
///     id: usize,
///     factor: String,
///     #[init(factor.parse()?)]
///     by: u64,
///     #[init(Vec::with_capacity(id))]
///     log: Vec<u64>,
///     #[init]
///     seen: usize,
/// }
///
/// impl Worker for Square {
///     type Input = u64;
///     type Output = (usize, u64);
///
///     fn call(&mut self, a: u64) -> (usize, u64) {
///         self.seen += 1;
///         self.log.push(a);
///         (self.id, self.by * a * a)
///     }
/// }
///
/// let specs = (0..4).map(|id| Square::spec(id, "10".to_owned()));
/// let squares = par_stateful(1..=5, specs).map(|item| Ok(item?.1));
/// assert_eq!(squares.collect::<Result<Vec<u64>, TaskError>>()?, [10, 40, 90, 160, 250]);
///
/// assert!(Square::spec(0, "ten".to_owned()).build().is_err());
/// # Ok::<(), TaskError>(())
/// ```
///
/// # Options
///
/// | Option | Meaning |
/// |---|---|
/// | `spec = Name` | the name of the spec, for `SquareSpec` |
/// | `new = ident` | on an `impl`: the name of the constructor, for `new`; on a struct: writes a constructor of this name, `fn ident(args..) -> Result<Self, BuildError>` |
/// | `derive(..)` | derives for what is generated, the spec and the input |
/// | `debug = false` | no `Debug` for what is generated: it holds a secret, or has an impl of your own |
/// | `remote` | the worker can run in a process of its own: the spec is serde, and registered; see `processes` |
/// | `named` | the input is a struct, `SquareInput`, of `call`'s arguments |
/// | `crate = ::path` | where mtask is, if not at `::mtask` |
///
/// ```
/// use mtask::prelude::*;
///
/// struct Blend(f64);
///
/// #[delayed_init(named, derive(PartialEq))]
/// impl Blend {
///     fn new(weight: f64) -> Self {
///         Self(weight)
///     }
///
///     fn call(&mut self, a: f64, b: f64) -> f64 {
///         a * self.0 + b * (1.0 - self.0)
///     }
/// }
///
/// let inputs = [BlendInput { a: 1.0, b: 3.0 }, BlendInput { b: 0.0, a: 8.0 }];
/// let blended: Vec<f64> =
///     par_stateful(inputs, [Blend::spec(0.5)]).collect::<Result<_, _>>()?;
/// assert_eq!(blended, [2.0, 4.0]);
/// # Ok::<(), TaskError>(())
/// ```
///
/// # Limits
///
/// - What is generated is named after the type, so two blocks with a `new` for one type,
///   `impl Block<4>` and `impl Block<8>`, need two names: `spec = Name`.
/// - A `call` on a public type makes its argument and return types part of a public impl: they have
///   to be public too, even where `call` is private.
/// - What you `allow` on the block or the function holds for what is generated too.
/// - What is generated allows a few lints, `deprecated` and `dead_code` among them. To `deny` these
///   is no matter; to `forbid` them is an error of the compiler's.
#[proc_macro_attribute]
pub fn delayed_init(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(options.into(), item.into()).into()
}

/// The expansion: the user's item first, then what is made of it.
fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let (options, refused) = Options::read(keywords::raw(options));
    let refused = refused.map(syn::Error::into_compile_error);
    let expansion = match syn::parse2(keywords::raw(item.clone())) {
        Ok(Item::Impl(parsed)) => {
            let expansion = expand_impl::expand(&parsed, &options);
            quote!(#item #expansion)
        }
        Ok(Item::Struct(parsed)) => expand_struct::expand(*parsed, &options),
        Ok(Item::Function(parsed)) => {
            // An option that was refused may have been the one that allows a function.
            let expansion = refused.is_none().then(|| expand_fn::expand(&parsed, &options));
            quote!(#item #expansion)
        }
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#item #error)
        }
    };
    quote!(#expansion #refused)
}
