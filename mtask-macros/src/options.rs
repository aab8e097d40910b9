//! The options in `#[delayed_init(..)]`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitBool, Path, Result, Token, parenthesized};

const KNOWN: &str = "`spec = Name`, `new = ident`, `derive(..)`, `debug = false`, `named`, \
                     `crate = ::path`";

/// An option and where it was written.
pub(crate) struct Given<T> {
    pub(crate) key: Span,
    pub(crate) value: T,
}

/// What the attribute was given.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) spec: Option<Given<Ident>>,
    pub(crate) new: Option<Given<Ident>>,
    pub(crate) derive: Option<Given<Vec<Path>>>,
    pub(crate) debug: Option<Given<bool>>,
    pub(crate) named: Option<Given<()>>,
    pub(crate) krate: Option<Given<Path>>,
}

impl Options {
    /// Reads the options up to the first mistake; those before it count.
    pub(crate) fn read(tokens: proc_macro2::TokenStream) -> (Self, Option<Error>) {
        let mut options = Self::default();
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                options.read_one(input)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        let error = read.parse2(tokens).err();
        (options, error)
    }

    /// Whether specs and inputs get a `Debug` impl.
    pub(crate) fn debug(&self) -> bool {
        self.debug.as_ref().is_none_or(|given| given.value)
    }

    /// The derives asked for.
    pub(crate) fn derives(&self) -> &[Path] {
        self.derive.as_ref().map_or(&[], |given| &given.value)
    }

    /// The name of the constructor.
    pub(crate) fn constructor(&self) -> String {
        let given = self.new.as_ref().map(|given| given.value.unraw().to_string());
        given.unwrap_or_else(|| "new".to_owned())
    }

    fn read_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key: Ident = input.call(Ident::parse_any)?;
        let span = key.span();
        match &*key.to_string() {
            "spec" => set(&mut self.spec, &key, || equals(input)?.parse()),
            "new" => set(&mut self.new, &key, || equals(input)?.parse()),
            "derive" => set(&mut self.derive, &key, || derives(input)),
            "debug" => set(&mut self.debug, &key, || Ok(equals(input)?.parse::<LitBool>()?.value)),
            "named" => set(&mut self.named, &key, || Ok(())),
            "crate" => set(&mut self.krate, &key, || equals(input)?.call(Path::parse_mod_style)),
            other => Err(Error::new(span, format!("unknown option `{other}`: there are {KNOWN}"))),
        }
    }
}

fn set<T>(
    place: &mut Option<Given<T>>,
    key: &Ident,
    read: impl FnOnce() -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        return Err(Error::new(key.span(), format!("`{key}` is given twice")));
    }
    *place = Some(Given { key: key.span(), value: read()? });
    Ok(())
}

fn equals<'a>(input: ParseStream<'a>) -> Result<ParseStream<'a>> {
    input.parse::<Token![=]>()?;
    Ok(input)
}

fn derives(input: ParseStream<'_>) -> Result<Vec<Path>> {
    let list;
    parenthesized!(list in input);
    let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&list, Path::parse_mod_style)?;
    for path in &paths {
        let refusal = match path.segments.last() {
            Some(last) if last.ident == "Clone" => "a spec is `Clone` already",
            Some(last) if last.ident == "Debug" => {
                "a spec is `Debug` already; `debug = false` leaves it to an impl of your own"
            }
            _ => continue,
        };
        return Err(Error::new_spanned(path, refusal));
    }
    Ok(paths.into_iter().collect())
}
