//! The worker: a tokenizer of its own on every thread.

use std::sync::Arc;

use mtask::prelude::*;
use tokenizers::Tokenizer;

/// Where a line stands in the text, and its token ids.
pub(crate) type Tokens = (usize, Vec<u32>);

/// Turns a line into token ids.
pub(crate) struct Tokenize {
    tokenizer: Tokenizer,
}

#[delayed_init]
impl Tokenize {
    /// `json` is the whole `tokenizer.json`, so that reading the file is no part of a build.
    pub(crate) fn new(json: Arc<[u8]>) -> Result<Self, tokenizers::Error> {
        let mut tokenizer = Tokenizer::from_bytes(json)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None)?;
        Ok(Self { tokenizer })
    }

    fn call(&mut self, at: usize, line: &str) -> Result<Tokens, tokenizers::Error> {
        Ok((at, self.tokenizer.encode_fast(line, true)?.get_ids().to_vec()))
    }
}
