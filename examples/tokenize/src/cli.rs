//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Tokenizes text, one document a line, and writes the token ids to Parquet or JSONL.
///
/// Without arguments it tokenizes the small text that comes with it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Files, folders (read recursively, sorted by path, hidden files left out), or `-` for
    /// standard input; plain, .gz or .zst
    #[arg(value_name = "INPUT", requires = "tokenizer")]
    pub(crate) inputs: Vec<PathBuf>,

    /// A Hugging Face `tokenizer.json`
    #[arg(short, long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Where the rows go: a file, or `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "tokens.parquet")]
    pub(crate) output: PathBuf,

    /// What is written [default: by the output's extension (.parquet, .jsonl, .ndjson, .jsonl.gz,
    /// .jsonl.zst, ..); JSONL for `-`, Parquet without an extension]
    #[arg(long)]
    pub(crate) format: Option<Format>,

    /// Read JSONL: each line is an object, and its text is the string under this key
    #[arg(short, long, value_name = "NAME", requires = "inputs")]
    pub(crate) field: Option<String>,

    /// Workers, each with a tokenizer of its own [default: one a processor]
    #[arg(short, long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Where the workers run
    #[arg(long, value_name = "WHERE", default_value = "threads")]
    pub(crate) backend: Backend,

    /// Write rows as they are done instead of in input order
    #[arg(long)]
    pub(crate) unordered: bool,

    /// The most documents between reading and writing [default: by the number of workers]
    #[arg(long, value_name = "N")]
    pub(crate) max_in_flight: Option<NonZeroUsize>,

    /// What a line that cannot be tokenized does
    #[arg(long, value_name = "POLICY", default_value = "yield")]
    pub(crate) on_error: OnError,

    /// Read at most this many documents
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Continue a run that was killed; starts from the beginning where there is none
    #[arg(long, conflicts_with = "unordered")]
    pub(crate) resume: bool,

    /// Discard a run that was killed, and start from the beginning
    #[arg(long, conflicts_with = "resume")]
    pub(crate) restart: bool,

    /// Replace an output that is there already
    #[arg(long)]
    pub(crate) force: bool,

    /// With --resume, take an input of the same size for the same, whatever its time of change
    #[arg(long, requires = "resume")]
    pub(crate) ignore_times: bool,

    /// Go on without files that cannot be opened or read, or that change while they are read
    #[arg(long)]
    pub(crate) skip_unreadable: bool,

    /// The longest line, in bytes; a longer one counts as a bad line and is never held in memory
    #[arg(long, value_name = "N", default_value = "524288")]
    pub(crate) max_line_bytes: NonZeroUsize,

    /// A row group, which is also what a killed run keeps, is full at this many tokens (or rows)
    #[arg(long, value_name = "N", default_value = "1000000")]
    pub(crate) group_tokens: NonZeroUsize,

    /// A row group is full at this many rows (or tokens)
    #[arg(long, value_name = "N", default_value = "65536")]
    pub(crate) group_rows: NonZeroUsize,
}

/// Where the workers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// In threads of this process
    Threads,
    /// Each in a process of its own: a tokenizer that crashes costs the line in hand
    Processes,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One row a document: file, line, ids
    Parquet,
    /// One JSON object a document: {"file": .., "line": .., "ids": [..]}
    Jsonl,
}

/// What a line that cannot be tokenized does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnError {
    /// It is reported at once (the first 10 of a file, and 1,000 in all), and the run goes on
    Yield,
    /// It is reported, and the run ends there
    Stop,
    /// It is counted, and the first 1,000 are reported at the end
    Defer,
}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
        }
    }
}

const AFTER_HELP: &str = "\
A bad line (not UTF-8, not a JSON object with the field, too long, refused by the tokenizer) is
reported with its file and line number, and costs that line alone. A file that is no text, or whose
compressed data is damaged, is one error. Lines of white space are no documents. Padding and
truncation are switched off; special tokens are added.

The output gets its name when it is complete. Until then, what is done lies in OUTPUT.parts, one
file for each row group: a run that did not complete keeps those, and --resume continues behind the
last. That needs input files that can be read again, the same inputs and options, and input order.

Exit codes:
  0    every document was tokenized
  1    the output is complete, but some lines were bad, or some files were no text, damaged or
       (with --skip-unreadable) could not be read (with --on-error stop, nothing is complete)
  2    the output is not complete, for another reason than a document: a file that cannot be read or
       that changes, no worker left, a full disk; what is done is kept for --resume. Or the run was
       refused, and nothing was changed: wrong usage, an output that is there already
  130, 143, 129 in a shell: ended by SIGINT (Ctrl-C), SIGTERM or SIGHUP; as 2
  141  standard output was closed by its reader";
