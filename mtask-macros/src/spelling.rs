//! What the spelling of a type tells about it.
//!
//! The compiler alone knows. These guesses only choose where its errors are shown, and which bounds
//! need not be written down.

use proc_macro2::{Ident, TokenStream, TokenTree};

/// How a type looks to one who wonders whether it can be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Looks {
    /// Made of nothing but what is known to be sent, and to be stored owned.
    Plain,
    Unknown,
    /// An `Rc`, a raw pointer, a trait object that does not say `Send`.
    NotSend,
}

/// Types of the prelude, and of std where the name leaves little doubt.
const PLAIN: &[&str] = &[
    "bool",
    "char",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "String",
    "Path",
    "PathBuf",
    "OsStr",
    "OsString",
    "CStr",
    "CString",
    "Duration",
    "Vec",
    "Option",
    "Result",
    "Box",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "std",
    "core",
    "path",
    "ffi",
    "time",
    "collections",
    "static",
];

/// Looks at the tokens of a type.
pub(crate) fn looks(ty: &TokenStream) -> Looks {
    let tokens: Vec<TokenTree> = ty.clone().into_iter().collect();
    let says = |word: &str| tokens.iter().any(|token| is_word(token, word));
    if says("Rc") || (says("dyn") && !says("Send")) {
        return Looks::NotSend;
    }
    let raw = |pair: &[TokenTree]| match pair {
        [TokenTree::Punct(star), word] => {
            star.as_char() == '*' && (is_word(word, "const") || is_word(word, "mut"))
        }
        _ => false,
    };
    if tokens.windows(2).any(raw) {
        return Looks::NotSend;
    }
    let each = tokens.iter().map(|token| match token {
        TokenTree::Ident(word) if !is_plain(word) => Looks::Unknown,
        TokenTree::Group(group) => looks(&group.stream()),
        _ => Looks::Plain,
    });
    each.max().unwrap_or(Looks::Plain)
}

fn is_plain(word: &Ident) -> bool {
    PLAIN.iter().any(|plain| word == plain)
}

pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}
