//! mtask's side of the side-by-side: `run.py` runs it next to the programs under `python/`.

mod cli;
mod figures;
mod worker;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use mtask::prelude::*;

use crate::cli::Args;
use crate::figures::Figures;
use crate::worker::{Tokenize, Tokens};

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<Figures> {
    let shown = args.tokenizer.display();
    let json = fs::read(&args.tokenizer)
        .with_context(|| format!("cannot read {shown} (name a tokenizer.json)"))?;
    let lines = first_lines(&args.text, args.lines)?;
    run(args, json.into(), lines)
        .with_context(|| format!("cannot tokenize with {shown} (is it a tokenizer.json?)"))
}

/// In memory before the clock starts, as in the Python programs.
fn first_lines(text: &Path, count: usize) -> Result<Vec<String>> {
    let shown = text.display();
    let read = fs::read_to_string(text)
        .with_context(|| format!("cannot read {shown} (name a text in UTF-8)"))?;
    let lines: Vec<_> = read.split_terminator('\n').take(count).map(str::to_owned).collect();
    if lines.len() < count {
        bail!("{shown} has {} lines, not {count}: ask for fewer by --lines", lines.len());
    }
    Ok(lines)
}

fn run(args: &Args, json: Arc<[u8]>, lines: Vec<String>) -> Result<Figures> {
    let mut results: Vec<Tokens> = Vec::with_capacity(lines.len());
    let first_pull = Arc::new(OnceLock::new());
    let pulled = Arc::clone(&first_pull);
    let source = lines.into_iter().enumerate().inspect(move |_| {
        pulled.get_or_init(Instant::now);
    });
    // Nothing is pulled before every worker is built, which tells the two parts of the time apart.
    let run = par_stateful(source, Tokenize::spec(json).times(args.workers)).build_now();
    let run = if args.unordered { run.unordered() } else { run };

    let start = Instant::now();
    for tokens in run.flatten_errors() {
        results.push(tokens?);
    }
    let end = Instant::now();

    if args.unordered {
        results.sort_unstable_by_key(|&(at, _)| at);
    }
    let built = *first_pull.get().unwrap_or(&start);
    Ok(Figures::new(end - start, end - built, &results))
}
