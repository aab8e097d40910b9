//! The worker: a tokenizer of its own on every thread, or in every process.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use mtask::prelude::*;
use tokenizers::Tokenizer;

use crate::budget::Budget;
use crate::document::{BadLine, Content, Document, Reason, Tokens};
use crate::field;

/// Turns a line into token ids.
pub(crate) struct Tokenize {
    tokenizer: Tokenizer,
    field: Option<String>,
    budget: Arc<Budget>,
}

#[delayed_init(remote)]
impl Tokenize {
    /// `json` is the whole `tokenizer.json`: read once, so that every worker is built from the
    /// same bytes even if the file changes while they start.
    pub(crate) fn new(
        json: Arc<[u8]>,
        field: Option<String>,
        budget: Arc<Budget>,
    ) -> Result<Self, tokenizers::Error> {
        let mut tokenizer = Tokenizer::from_bytes(json)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None)?;
        Ok(Self { tokenizer, field, budget })
    }

    fn call(&mut self, document: Document) -> Result<Tokens, BadLine> {
        let Document { place, content } = document;
        // A panic keeps its meaning, that this worker is to be built anew, and learns the place.
        CALLING.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| self.ids(content)));
        CALLING.set(false);
        let result = result
            .unwrap_or_else(|panic| resume_unwind(Box::new(format!("{place}: {}", said(&*panic)))));
        match result {
            Ok(ids) => Ok(Tokens { place, ids }),
            Err(reason) => Err(BadLine { place, reason }),
        }
    }
}

impl Tokenize {
    fn ids(&self, content: Content) -> Result<Vec<u32>, Reason> {
        let line = match content {
            Content::Line(line) => line,
            Content::TooLong(bytes) => return Err(Reason::TooLong(bytes)),
            Content::Fault(fault) => return Err(Reason::Fault(fault)),
        };
        let line =
            str::from_utf8(&line).map_err(|error| Reason::NotUtf8(error.valid_up_to() + 1))?;
        let text = match &self.field {
            None => Cow::Borrowed(line),
            Some(name) => Cow::Owned(field::text(line, name).map_err(Reason::Field)?),
        };
        let ids = match self.budget.share(text.len()) {
            None => self.encode(&text),
            Some(_share) => self.encode_apart(&text),
        };
        ids.map_err(|error| Reason::Tokenizer(error.to_string()))
    }

    fn encode(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        Ok(self.tokenizer.encode_fast(text, true)?.get_ids().to_vec())
    }

    /// On a thread of its own, for a long text: an allocator keeps for each thread what that once
    /// needed, and with many workers that is many times the most that is in use.
    fn encode_apart(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let encode = || {
            CALLING.set(true);
            self.encode(text)
        };
        let ids = thread::scope(|scope| scope.spawn(encode).join());
        ids.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

thread_local! {
    /// Whether this thread is inside a call, whose panic is reported as its line's error.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps a panic that costs a line from being written across the bar, beside the line's own
/// message.
pub(crate) fn hide_panics_of_calls() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !CALLING.get() {
            hook(info);
        }
    }));
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(|text| &**text)).unwrap_or("a panic")
}
