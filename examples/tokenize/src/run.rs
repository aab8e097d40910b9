//! One run, from the command line to the summary.

use std::fs;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::cli::{Cli, Format, OnError};
use crate::demo;
use crate::files::{self, InputFile};
use crate::input::{self, Documents};
use crate::job::{Job, Settings};
use crate::pipeline::{self, Model, Options, Outcome};
use crate::report::{Counts, Extent, Report, say};
use crate::sink::{self, Committed, Earlier, Kind, Limits, Sink};

/// Does what the command line says; the number of documents that failed.
///
/// # Errors
///
/// What keeps the output from being completed, a document that failed excepted.
pub(crate) fn run(cli: &Cli) -> Result<u64> {
    let inputs = if cli.inputs.is_empty() { vec![demo::text()?] } else { cli.inputs.clone() };
    let tokenizer = cli.tokenizer.clone().map_or_else(demo::tokenizer, Ok)?;
    let name = tokenizer.display().to_string();
    let json = fs::read(&tokenizer).with_context(|| format!("cannot read the tokenizer {name}"))?;

    let files = files::list(&inputs, &cli.output)?;
    let settings = settings(cli);
    let job = Job::new(&files, &json, &settings);
    let kind = kind(cli, &files)?;
    let (sink, committed) =
        Sink::open(&cli.output, kind, settings.format, settings.groups, &job, earlier(cli))?;

    let done = committed.position.documents;
    if done > 0 {
        say(&format!("continuing behind {done} documents"));
    }
    let documents = Documents::new(&files, committed.position, settings.max_line_bytes);
    let extent = Extent {
        read: documents.bytes_read(),
        bytes: input::total_bytes(&files),
        limit: cli.limit.map(|limit| limit as u64),
    };
    let left = cli.limit.map_or(usize::MAX, |limit| limit.saturating_sub(done as usize));
    // As much as one line may need: eight workers need no more than one.
    let budget = settings.max_line_bytes;
    let model = Model { name, json: json.into(), field: settings.field, budget };
    let options = options(cli);
    let mut consumer = Consumer {
        sink,
        report: Report::start(counts(committed), extent, to_terminal(&cli.output)),
        output: sink::shown(&cli.output).into_owned(),
        stopped: false,
    };
    let result = pipeline::run(documents.take(left), model, &options, |outcome| {
        consumer.take(outcome, options.on_error)
    });
    consumer.end(result)
}

/// What takes the outcomes: rows to the sink, messages to standard error.
struct Consumer {
    sink: Sink,
    report: Report,
    output: String,
    /// Whether an error ended the run early.
    stopped: bool,
}

impl Consumer {
    fn take(&mut self, outcome: Outcome, on_error: OnError) -> Result<()> {
        match outcome {
            Outcome::Row(tokens) => {
                self.report.row(tokens.ids.len());
                self.sink.push(tokens)?;
            }
            Outcome::Failed(message) => {
                self.report.error(&message);
                self.stopped = on_error == OnError::Stop;
            }
            Outcome::Deferred(messages, more) => {
                for message in messages {
                    self.report.error(&message);
                }
                self.report.more_errors(more);
            }
        }
        Ok(())
    }

    fn end(self, result: Result<()>) -> Result<u64> {
        let Self { sink, mut report, output, stopped } = self;
        report.end();
        let kept = sink.committed();
        let written = match result {
            Ok(()) if stopped => sink.abandon().map(|()| None),
            Ok(()) => sink.finish().map(Some),
            Err(error) => Err(error),
        };
        match written {
            Ok(Some(bytes)) => report.summary(&output, bytes),
            Ok(None) => say(&format!("stopped at the first error: {output} is not complete")),
            Err(error) => {
                tell_kept(kept);
                return Err(error);
            }
        }
        if stopped {
            tell_kept(kept);
        }
        Ok(report.errors())
    }
}

fn tell_kept(kept: Option<Committed>) {
    if let Some(kept) = kept {
        say(&format!(
            "what is done is kept: --resume continues behind {} documents",
            kept.position.documents
        ));
    }
}

fn settings(cli: &Cli) -> Settings {
    Settings {
        field: cli.field.clone(),
        format: cli.format.unwrap_or_else(|| format_of(&cli.output)),
        limit: cli.limit,
        max_line_bytes: cli.max_line_bytes.get(),
        groups: Limits { rows: cli.group_rows, tokens: cli.group_tokens },
    }
}

fn format_of(output: &Path) -> Format {
    let is_jsonl = output.extension().is_some_and(|extension| extension == "jsonl");
    if is_jsonl || output == Path::new("-") { Format::Jsonl } else { Format::Parquet }
}

fn options(cli: &Cli) -> Options {
    let workers = cli.workers.or_else(|| thread::available_parallelism().ok());
    Options {
        workers: workers.map_or(1, NonZeroUsize::get),
        backend: cli.backend,
        unordered: cli.unordered,
        max_in_flight: cli.max_in_flight.map(NonZeroUsize::get),
        on_error: cli.on_error,
    }
}

fn earlier(cli: &Cli) -> Earlier {
    match (cli.resume, cli.restart) {
        (true, _) => Earlier::Resume,
        (_, true) => Earlier::Discard,
        _ => Earlier::Refuse,
    }
}

/// How the output is written, and whether that can be resumed where it is asked for.
fn kind(cli: &Cli, files: &[Arc<InputFile>]) -> Result<Kind> {
    let once = files.iter().find(|file| file.size().is_none());
    let kind = if sink::is_stream(&cli.output) {
        Kind::Stream
    } else if cli.unordered || once.is_some() {
        Kind::Partial
    } else {
        Kind::Parts
    };
    if cli.resume && kind == Kind::Stream {
        bail!("--resume needs an output file: {} is none", sink::shown(&cli.output));
    }
    if let Some(once) = once.filter(|_| cli.resume) {
        bail!("--resume needs input files that can be read again: {} is none", once.name());
    }
    Ok(kind)
}

fn counts(committed: Committed) -> Counts {
    Counts {
        documents: committed.rows,
        tokens: committed.tokens,
        errors: committed.position.documents - committed.rows,
    }
}

fn to_terminal(output: &Path) -> bool {
    sink::is_stream(output) && io::stdout().is_terminal()
}
