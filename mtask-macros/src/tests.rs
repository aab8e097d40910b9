//! What only the tokens show.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::expand;

fn words(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => found.extend(words(group.stream())),
            token => found.push(token.to_string()),
        }
    }
    found
}

/// An `impl` whose bodies are no Rust at all, as in the middle of typing.
fn half_typed() -> TokenStream {
    quote! {
        #[cfg(feature = "x")]
        impl<T> Half<T> {
            const N: usize = { 3 };

            fn new(id: usize) -> Self {
                let x = id.;
                Self { id: x. }
                match
            }

            fn helper(&self) { if self..( ) else }

            fn call(&mut self, line: String) -> usize {
                line.
            }
        }
    }
}

#[test]
fn bodies_pass_through_as_they_are() {
    let item = half_typed();
    let expansion = expand(TokenStream::new(), item.clone());
    let emitted: Vec<String> =
        expansion.clone().into_iter().take(item.clone().into_iter().count()).map(text).collect();
    assert_eq!(emitted, item.into_iter().map(text).collect::<Vec<_>>());

    let words = words(expansion);
    for generated in ["HalfSpec", "Spec", "Worker"] {
        assert!(words.iter().any(|word| word == generated), "{generated}");
    }
    assert!(!words.iter().any(|word| word == "compile_error"));
}

fn text(token: TokenTree) -> String {
    token.into_token_stream().to_string()
}

#[test]
fn a_path_given_is_the_only_one_used() {
    let options = || quote!(crate = ::renamed, named, derive(Serialize));
    let block = quote! {
        impl<'a, T: Clone> Block<'a, T> {
            fn new(text: &str, value: T, all: &[T]) -> Result<Self, Error> {}
            fn call(&mut self, a: &str, b: T) -> Option<T> {}
            fn finish(self) -> T {}
        }
    };
    let refused = quote! {
        impl Block {
            fn new(text: Option<&str>) -> Self {}
            fn call(self, a: &str) -> &str {}
        }
    };
    let recorded = quote! {
        struct Recorded { id: usize, #[init] seen: usize, #[init(open(id)?)] file: File }
    };
    for (options, item) in [
        (options(), block),
        (quote!(crate = ::renamed), refused),
        (quote!(crate = ::renamed, new = make), recorded),
    ] {
        let words = words(expand(options, item));
        assert!(words.iter().any(|word| word == "renamed"));
        assert!(!words.iter().any(|word| word == "mtask"), "{words:?}");
    }
}

#[test]
fn everything_generated_goes_with_the_cfg() {
    let expansion = expand(TokenStream::new(), half_typed());
    // All that follows the user's item, split at the braces or semicolons that end an item.
    let mut item = Vec::new();
    let mut items = Vec::new();
    for token in expansion {
        let ends = matches!(&token, TokenTree::Group(group)
            if group.delimiter() == proc_macro2::Delimiter::Brace);
        item.push(token.to_string());
        if ends {
            items.push(std::mem::take(&mut item).concat());
        }
    }
    assert!(items.len() > 5, "{}", items.len());
    for item in items {
        assert!(item.starts_with("#[cfg (feature = \"x\")]"), "{item}");
    }
}
