//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Tokenizes the lines of a text, one line an item, and prints how long it took and what came out.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// A `tokenizer.json`; its padding and truncation are turned off
    pub(crate) tokenizer: PathBuf,

    /// A text in UTF-8, of at least `--lines` lines
    pub(crate) text: PathBuf,

    /// How many of the text's lines, from its start
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = at_least_one)]
    pub(crate) lines: usize,

    /// How many workers, each with a tokenizer and a thread of its own
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one)]
    pub(crate) workers: usize,

    /// Takes results in the order in which they are done
    #[arg(long)]
    pub(crate) unordered: bool,
}

fn at_least_one(given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(0) => Err("give at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}
