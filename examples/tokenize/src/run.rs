//! One run, from the command line to the summary.

use std::fs;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::cli::{Cli, OnError};
use crate::demo;
use crate::file_id::FileId;
use crate::files::{self, InputFile, Listing};
use crate::input::{self, Documents, End, Feed, ReadOptions};
use crate::interrupt::{Interrupted, Signals};
use crate::job::{Job, Settings};
use crate::layout::{self, Layout};
use crate::pipeline::{self, Failure, Model, Options, Outcome};
use crate::report::{Counts, Extent, Report, say};
use crate::resume_command::resume_command;
use crate::sink::{self, Committed, Earlier, Existing, Kind, Limits, Plan, Sink};

/// Does what the command line says; the number of documents that failed.
///
/// # Errors
///
/// What keeps the output from being completed, a document that failed excepted.
pub(crate) fn run(cli: &Cli, signals: &Signals) -> Result<u64> {
    let inputs = if cli.inputs.is_empty() { vec![demo::text()?] } else { cli.inputs.clone() };
    let tokenizer = cli.tokenizer.clone().map_or_else(demo::tokenizer, Ok)?;
    let name = tokenizer.display().to_string();
    let json = fs::read(&tokenizer).with_context(|| format!("cannot read the tokenizer {name}"))?;

    let is_stream = sink::is_stream(&cli.output);
    let output = if is_stream { cli.output.clone() } else { sink::behind_links(&cli.output) };
    let own = (!is_stream).then_some(&*cli.output);
    let Listing { files, unreadable, left_out } = files::list(&inputs, own, cli.skip_unreadable)?;
    refuse_own(&files, &tokenizer, &cli.output)?;
    refuse_jsonl(&files, cli)?;
    let settings = settings(cli)?;
    for line in left_out {
        say(&line);
    }

    let job = Job::new(&files, &json, &settings);
    let plan = Plan {
        kind: kind(cli, &files)?,
        layout: settings.layout,
        limits: settings.groups,
        earlier: earlier(cli),
        existing: existing(cli),
    };
    if plan.kind != Kind::Stream {
        // A stream has nothing that could be taken away or kept: there a signal ends all at once.
        signals.end_in_order()?;
    }
    let (sink, committed) = Sink::open(&output, plan, &job)?;

    let done = committed.position.documents;
    if done > 0 {
        say(&format!("continuing behind {done} documents"));
    }
    let limit = cli.limit.map(|limit| limit as u64);
    let reading = ReadOptions {
        max_line: settings.max_line_bytes,
        limit,
        skip_unreadable: cli.skip_unreadable,
    };
    let documents = Documents::new(&files, committed.position, reading);
    let feed = documents.feed();
    let extent = Extent { feed: documents.feed(), bytes: input::total_bytes(&files), limit };
    // As much as one line may need: eight workers need no more than one.
    let budget = settings.max_line_bytes;
    let model = Model { name, json: json.into(), field: settings.field, budget };
    let options = options(cli);
    let quiet = is_stream && io::stdout().is_terminal();
    let deferred = options.on_error == OnError::Defer;
    let mut consumer = Consumer {
        sink,
        report: Report::start(counts(committed), extent, quiet, deferred),
        output: sink::shown(&cli.output).into_owned(),
        taken: done,
        foreign: 0,
        stopped: false,
    };
    for message in unreadable {
        consumer.report.error(None, message);
    }
    let result = pipeline::run(documents, model, &options, |outcome| {
        consumer.take(outcome, options.on_error)
    });
    let result = result.and_then(|()| consumer.check(&feed, files.len() as u64));
    consumer.end(result)
}

/// What takes the outcomes: rows to the sink, messages to standard error.
struct Consumer {
    sink: Sink,
    report: Report,
    output: String,
    /// The outcomes, of an earlier run too.
    taken: u64,
    /// The files that are no text.
    foreign: u64,
    /// Whether an error ended the run early.
    stopped: bool,
}

impl Consumer {
    fn take(&mut self, outcome: Outcome, on_error: OnError) -> Result<()> {
        self.taken += 1;
        match outcome {
            Outcome::Row(tokens) => {
                self.report.row(tokens.ids.len());
                self.sink.push(tokens)?;
            }
            Outcome::Failed(Failure { file, message, is_foreign }) => {
                self.report.error(file.as_deref(), message);
                self.foreign += u64::from(is_foreign);
                self.stopped = on_error == OnError::Stop;
            }
        }
        Ok(())
    }

    /// Whether all that was to be read has come through.
    fn check(&self, feed: &Feed, files: u64) -> Result<()> {
        if self.stopped {
            return Ok(());
        }
        match feed.end() {
            Some(End::Failed(why)) => bail!("{why} (--skip-unreadable goes on without it)"),
            Some(End::Complete { documents }) if *documents == self.taken => {}
            _ => bail!("the run ended before its input, behind {} documents", self.taken),
        }
        ensure!(self.foreign < files, "nothing is written: no input is text");
        Ok(())
    }

    fn end(self, result: Result<()>) -> Result<u64> {
        let Self { sink, mut report, output, stopped, .. } = self;
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
                if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                    say(&format!("{interrupted}: {output} is not complete"));
                }
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
        let documents = kept.position.documents;
        say(&format!("what is done is kept: --resume continues behind {documents} documents"));
        say(&format!("to continue: {}", resume_command()));
    }
}

/// Lines of JSON are no text: their keys and quotes would be tokenized with it.
fn refuse_jsonl(files: &[Arc<InputFile>], cli: &Cli) -> Result<()> {
    let jsonl = files.iter().find(|file| layout::is_jsonl(file.path()));
    match jsonl.filter(|_| cli.field.is_none()) {
        Some(file) => bail!(
            "{}: name the key of its text with --field (or give its lines, as they are, to standard input)",
            file.name()
        ),
        None => Ok(()),
    }
}

/// Refuses an output that is what is read, by whatever name.
fn refuse_own(files: &[Arc<InputFile>], tokenizer: &Path, output: &Path) -> Result<()> {
    let Some(id) = sink::id(output) else { return Ok(()) };
    let shown = sink::shown(output);
    if let Some(input) = files.iter().find(|file| file.id() == Some(&id)) {
        bail!("{}: this input is also the output, {shown}", input.name());
    }
    let tokenizer_id = fs::metadata(tokenizer).ok().and_then(|found| FileId::of(tokenizer, &found));
    ensure!(
        tokenizer_id != Some(id),
        "{}: the tokenizer is also the output, {shown}",
        tokenizer.display()
    );
    Ok(())
}

fn settings(cli: &Cli) -> Result<Settings> {
    Ok(Settings {
        field: cli.field.clone(),
        layout: Layout::of(&cli.output, cli.format)?,
        limit: cli.limit,
        max_line_bytes: cli.max_line_bytes.get(),
        groups: Limits { rows: cli.group_rows, tokens: cli.group_tokens },
        ignore_times: cli.ignore_times,
    })
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

fn existing(cli: &Cli) -> Existing {
    if cli.force {
        Existing::Replace
    } else if cli.inputs.is_empty() {
        // Of the demonstration it is known what is written: it can be shown again.
        Existing::KeepOther
    } else {
        Existing::Keep
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
