//! The options in `#[delayed_init(..)]`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitBool, Path, Result, Token, parenthesized};

const KNOWN: &str = "`spec = Name`, `new = ident`, `derive(..)`, `debug = false`, `named`, \
                     `remote`, `crate = ::path`";

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
    pub(crate) remote: Option<Given<()>>,
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
        let key: Ident = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), format!("this is no option: there are {KNOWN}"))
        })?;
        let key = (&key, input);
        match &*key.0.to_string() {
            "spec" => set(&mut self.spec, key, "spec = Name", |input| equals(input)?.parse()),
            "new" => set(&mut self.new, key, "new = ident", |input| equals(input)?.parse()),
            "derive" => set(&mut self.derive, key, "derive(Trait, ..)", derive_list),
            "debug" => set(&mut self.debug, key, "debug = false", |input| {
                Ok(equals(input)?.parse::<LitBool>()?.value)
            }),
            "named" => set(&mut self.named, key, "named", nothing),
            "remote" if cfg!(feature = "processes") => {
                set(&mut self.remote, key, "remote", nothing)
            }
            "remote" => Err(Error::new(
                key.0.span(),
                "a worker in a process needs mtask's feature `processes`: \
                 mtask = { version = \"..\", features = [\"processes\"] }",
            )),
            "crate" => set(&mut self.krate, key, "crate = ::path", |input| {
                equals(input)?.call(Path::parse_mod_style)
            }),
            other => {
                let message = format!("unknown option `{other}`: there are {KNOWN}");
                Err(Error::new(key.0.span(), message))
            }
        }?;
        self.refuse_derived()
    }

    /// Refuses to derive what is generated anyway, and does not.
    fn refuse_derived(&mut self) -> Result<()> {
        let Some(derive) = &mut self.derive else { return Ok(()) };
        let last_is = |path: &Path, name| path.segments.last().is_some_and(|it| it.ident == name);
        let refused = |path: &Path| last_is(path, "Clone") || last_is(path, "Debug");
        let Some(place) = derive.value.iter().position(refused) else { return Ok(()) };
        let path = derive.value.remove(place);
        let message = if last_is(&path, "Clone") {
            "a spec is `Clone` already: leave it out"
        } else {
            "a spec is `Debug` already: leave it out, or write `debug = false` and an impl of your \
             own"
        };
        Err(Error::new_spanned(path, message))
    }
}

/// Reads an option's value; `form` is what the whole option looks like.
fn set<T>(
    place: &mut Option<Given<T>>,
    (key, input): (&Ident, ParseStream<'_>),
    form: &str,
    read: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        return Err(Error::new(key.span(), format!("`{key}` is given twice: keep one")));
    }
    let value = read(input).map_err(|error| {
        // Past the last option there is no token to show.
        let span = if input.is_empty() { key.span() } else { error.span() };
        Error::new(span, format!("write `{form}`"))
    })?;
    *place = Some(Given { key: key.span(), value });
    Ok(())
}

fn equals<'a>(input: ParseStream<'a>) -> Result<ParseStream<'a>> {
    input.parse::<Token![=]>()?;
    Ok(input)
}

/// Nothing but the option's name.
fn nothing(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() { Ok(()) } else { input.fork().parse::<Token![,]>().map(drop) }
}

fn derive_list(input: ParseStream<'_>) -> Result<Vec<Path>> {
    let list;
    parenthesized!(list in input);
    let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&list, Path::parse_mod_style)?;
    Ok(paths.into_iter().collect())
}
