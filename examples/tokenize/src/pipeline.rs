//! Documents through the workers, in threads or in processes, to the end or to the first error.

use std::error::Error as _;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mtask::backend::{Concurrent, Launch};
use mtask::prelude::*;
use mtask::{ParStateful, Processes, TaskErrorKind};

use crate::budget::Budget;
use crate::cli::{Backend, OnError};
use crate::document::{BadLine, Document, Fault, Reason, Tokens};
use crate::files::InputFile;
use crate::interrupt;
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

/// What became of a document.
pub(crate) enum Outcome {
    Row(Tokens),
    Failed(Failure),
}

/// Why a document has no row.
pub(crate) struct Failure {
    /// `None` where it is not known, since the worker was lost with the document.
    pub(crate) file: Option<Arc<InputFile>>,
    /// Names the place.
    pub(crate) message: String,
    /// The whole file is no text.
    pub(crate) is_foreign: bool,
}

/// Tokenizes `documents` and hands what comes of each to `each`, in their order unless the options
/// say otherwise.
///
/// # Errors
///
/// The tokenizer cannot be built, or no worker is left; whatever `each` fails with, which ends the
/// run at once; a signal.
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
    interrupt::cancels(results.cancel_handle());
    let each = |result| {
        interrupt::check()?;
        match result {
            Ok(row) => each(Outcome::Row(row)),
            Err(error) => each(Outcome::Failed(failure(error, name)?)),
        }
    };
    let results = results.flatten_errors();
    match options.on_error {
        OnError::Yield | OnError::Defer => { results }.try_for_each(each),
        OnError::Stop => results.stop_on_error().try_for_each(each),
    }?;
    // Where a signal found nothing in progress.
    Ok(interrupt::check()?)
}

/// Why a document failed.
///
/// # Errors
///
/// No document failed, but the tokenizer as such, or what runs it: what is not done can be done by
/// another run.
fn failure(error: TaskError, tokenizer: &str) -> Result<Failure> {
    let is_of_document = error.index().is_some()
        && matches!(
            error.kind(),
            TaskErrorKind::Failed
                | TaskErrorKind::Panicked
                | TaskErrorKind::WorkerLost
                | TaskErrorKind::TimedOut
                | TaskErrorKind::NotSent
        );
    if !is_of_document {
        return Err(match (error.kind(), error.source()) {
            (TaskErrorKind::BuildFailed, Some(cause)) => {
                anyhow!("cannot use the tokenizer {tokenizer}: {cause}")
            }
            _ => error.into(),
        });
    }
    let panic = error.panic_message().map(str::to_owned);
    let (file, message, is_foreign) = match error.into_cause() {
        Ok(cause) => match cause.downcast::<BadLine>() {
            Ok(line) => {
                let is_foreign = matches!(line.reason, Reason::Fault(Fault::Foreign(_)));
                (Some(Arc::clone(&line.place.file)), line.to_string(), is_foreign)
            }
            Err(cause) => (None, cause.to_string(), false),
        },
        Err(error) => match panic {
            Some(panic) => (None, format!("{panic} (the tokenizer panicked)"), false),
            None => (None, error.to_string(), false),
        },
    };
    Ok(Failure { file, message, is_foreign })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures<S, W>(specs: impl IntoIterator<Item = S>) -> Vec<Result<Failure>>
    where
        S: Spec<W> + 'static,
        W: Worker<Input = u32, Output = u32> + 'static,
    {
        par_stateful(0..20_u32, specs)
            .filter_map(|result| Some(failure(result.err()?, "t.json")))
            .collect()
    }

    #[test]
    fn what_is_no_fault_of_a_document_ends_the_run() {
        let none = init_fn(|| Err::<fn(u32) -> u32, _>("no memory"));
        let failures = failures(none.times(2));
        assert!(!failures.is_empty());
        for failure in failures {
            let error = failure.err().expect("no document failed");
            assert!(format!("{error:#}").contains("no memory"), "{error:#}");
        }
    }

    #[test]
    fn a_panic_costs_its_document() {
        let panics = worker_fn(|x: u32| if x == 7 { panic!("no seven") } else { x });
        let failures = failures(panics.times(2));
        let [Ok(failure)] = &*failures else { panic!("not one document") };
        assert!(failure.message.contains("no seven"), "{}", failure.message);
    }
}
