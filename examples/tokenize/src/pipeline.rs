//! Documents through the workers, under one of three policies for errors.

use std::sync::Arc;

use anyhow::{Result, bail};
use mtask::backend::{Concurrent, Launch};
use mtask::prelude::*;
use mtask::{ParStateful, Processes};

use crate::budget::Budget;
use crate::cli::{Backend, OnError};
use crate::document::{BadLine, Document, Tokens};
use crate::worker::{Tokenize, TokenizeSpec};

/// How the workers are run.
pub(crate) struct Options {
    pub(crate) workers: usize,
    pub(crate) backend: Backend,
    pub(crate) unordered: bool,
    pub(crate) max_in_flight: Option<usize>,
    pub(crate) on_error: OnError,
}

/// What the tokenizers are built from.
pub(crate) struct Model {
    /// For messages.
    pub(crate) name: String,
    pub(crate) json: Arc<[u8]>,
    pub(crate) field: Option<String>,
    /// The bytes of text that are tokenized at the same time.
    pub(crate) budget: usize,
}

/// What became of a document, or at the end of several.
pub(crate) enum Outcome {
    Row(Tokens),
    /// The message names the place.
    Failed(String),
    /// The messages of the first, and how many more there were.
    Deferred(Vec<String>, usize),
}

/// Tokenizes `documents` and hands what comes of each to `each`, in their order unless the options
/// say otherwise.
///
/// # Errors
///
/// The tokenizer cannot be built; whatever `each` fails with, which ends the run at once.
pub(crate) fn run(
    documents: impl Iterator<Item = Document> + Send + 'static,
    model: Model,
    options: &Options,
    each: impl FnMut(Outcome) -> Result<()>,
) -> Result<()> {
    let name = model.name;
    let budget = Arc::new(Budget::new(model.budget));
    let specs = Tokenize::spec(model.json, model.field, budget).times(options.workers);
    // Built now: a tokenizer that cannot be read is said once, and not once for every document.
    let results = par_stateful(documents, specs).build_now();
    match options.backend {
        Backend::Threads => consume(results, &name, options, each),
        Backend::Processes => consume(results.backend(Processes::new()), &name, options, each),
    }
}

/// Hands what comes of each document to `each`, wherever the workers run.
fn consume<I, B>(
    mut results: ParStateful<I, TokenizeSpec, Tokenize, B>,
    name: &str,
    options: &Options,
    mut each: impl FnMut(Outcome) -> Result<()>,
) -> Result<()>
where
    I: Iterator<Item = Document>,
    B: Concurrent + Launch<I, TokenizeSpec, Tokenize>,
{
    if options.unordered {
        results = results.unordered();
    }
    if let Some(window) = options.max_in_flight {
        results = results.max_in_flight(window);
    }
    match options.on_error {
        OnError::Yield => results.flatten_errors().try_for_each(|result| match result {
            Ok(row) => each(Outcome::Row(row)),
            Err(error) => each(Outcome::Failed(message(error, name)?)),
        }),
        OnError::Stop => {
            results.flatten_errors().stop_on_error().try_for_each(|result| match result {
                Ok(row) => each(Outcome::Row(row)),
                Err(error) => each(Outcome::Failed(message(error, name)?)),
            })
        }
        OnError::Defer => {
            results.flatten_errors().defer_errors().try_for_each(|result| match result {
                Ok(row) => each(Outcome::Row(row)),
                Err(errors) => {
                    let count = errors.count();
                    let kept = errors
                        .into_iter()
                        .map(|error| message(error, name))
                        .collect::<Result<Vec<_>>>()?;
                    let more = count - kept.len();
                    each(Outcome::Deferred(kept, more))
                }
            })
        }
    }
}

/// What is said about a document that failed.
///
/// # Errors
///
/// No document failed, but the tokenizer as such.
fn message(error: TaskError, tokenizer: &str) -> Result<String> {
    let of_no_document = error.index().is_none();
    let panic = error.panic_message().map(str::to_owned);
    match error.into_cause() {
        Ok(cause) if of_no_document => bail!("cannot use the tokenizer {tokenizer}: {cause}"),
        Ok(cause) => Ok(match cause.downcast::<BadLine>() {
            Ok(line) => line.to_string(),
            Err(cause) => format!("the tokenizer cannot be built again: {cause}"),
        }),
        Err(error) if of_no_document => Err(error.into()),
        Err(error) => Ok(match panic {
            Some(panic) => format!("{panic} (the tokenizer panicked)"),
            None => error.to_string(),
        }),
    }
}
