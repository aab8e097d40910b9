//! Names that are keywords in a later edition than that of the crate they stand in.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use crate::spelling::is_word;
use crate::target::is_punct;

/// The same tokens with `gen` written as `r#gen`, which is the same name in every edition.
///
/// It is a name up to edition 2021, but not to syn, nor in what is generated: that is of this crate's
/// edition. A lifetime cannot be raw before edition 2021, and attributes are other macros' to read, but
/// for `#[init(..)]`.
pub(crate) fn raw(tokens: TokenStream) -> TokenStream {
    let mut escaped = Vec::new();
    for token in tokens {
        let after = |mark| escaped.last().is_some_and(|last| is_punct(last, mark));
        escaped.push(match token {
            TokenTree::Ident(word) if word == "gen" && !after('\'') => {
                TokenTree::Ident(Ident::new_raw("gen", word.span()))
            }
            TokenTree::Group(group) if !(after('#') && is_foreign(&group)) => {
                let mut inner = Group::new(group.delimiter(), raw(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            token => token,
        });
    }
    escaped.into_iter().collect()
}

/// Whether this is the inside of an attribute, behind its `#`, that is not `init`.
fn is_foreign(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && !first.is_some_and(|word| is_word(&word, "init"))
}
