//! Counts words: each worker has a map of its own and hands it over when all is done.
//!
//! ```sh
//! cargo run --release --example word_count -- FILE...   # `-` is the standard input
//! ```
//!
//! prints `count word` for each word, sorted by bytes, as does, under `LC_ALL=C`,
//!
//! ```sh
//! cat FILE... | tr -s '[:space:]' '\n' | sed '/^$/d' | sort | uniq -c | awk '{print $1, $2}'
//! ```
//!
//! `word_count.sh` compares the two, over 100 MB of text.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::{env, iter, thread};

use mtask::prelude::*;

/// So much text, and the rest of a line, is an item: to hand over each word by itself would cost
/// more than to count it.
const BLOCK: u64 = 64 * 1024;

/// What is counted without arguments.
const VERSE: &str = "the rain in Spain stays\tmainly in the plain\n";

type Counts = HashMap<Vec<u8>, u64>;

struct Counter {
    counts: Counts,
}

#[delayed_init]
impl Counter {
    fn new() -> Self {
        Self { counts: Counts::new() }
    }

    /// Nothing is given back for a block. One that could not be read passes its error on.
    fn call(&mut self, block: io::Result<Vec<u8>>) -> io::Result<()> {
        for word in words(&block?) {
            match self.counts.get_mut(word) {
                Some(count) => *count += 1,
                // Not by `entry`, which would copy the word each time.
                None => drop(self.counts.insert(word.to_vec(), 1)),
            }
        }
        Ok(())
    }

    /// Runs once in each worker's thread; its result is the worker's summary.
    fn finish(self) -> Counts {
        self.counts
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Not `is_ascii_whitespace`: to that, unlike to `[:space:]`, a vertical tab is none.
    let words = text.split(|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
    words.filter(|word| !word.is_empty())
}

/// The text in blocks that end where a line does, so that no word is cut.
fn blocks(mut text: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    iter::from_fn(move || {
        let mut block = Vec::with_capacity(BLOCK as usize + 256);
        let read = text.by_ref().take(BLOCK).read_to_end(&mut block);
        match read.and_then(|_| text.read_until(b'\n', &mut block)) {
            Ok(_) if block.is_empty() => None,
            Ok(_) => Some(Ok(block)),
            Err(error) => Some(Err(error)),
        }
    })
}

pub(crate) fn count(
    text: impl BufRead + Send + 'static,
    workers: usize,
) -> Result<Counts, Box<dyn Error>> {
    let mut results = par_stateful(blocks(text), Counter::spec().times(workers))
        // The results are all alike, so that none has to wait for another.
        .unordered()
        // What a block owns is unknown to a window that adapts: it may grow to 2,048 of them.
        .max_in_flight(4 * workers)
        .with_summaries();
    for result in results.by_ref() {
        // Any error is the end: with a worker that panics goes all that it has counted.
        result??;
    }
    if results.ended() != Some(Ended::Complete) {
        return Err("not all of the text was counted".into());
    }
    let mut counts = Counts::new();
    for (_worker, summary) in results.into_summaries() {
        for (word, count) in summary? {
            *counts.entry(word).or_default() += count;
        }
    }
    Ok(counts)
}

pub(crate) fn print(counts: Counts, out: impl Write) -> io::Result<()> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    let mut out = BufWriter::new(out);
    for (word, count) in counts {
        write!(out, "{count} ")?;
        out.write_all(&word)?; // bytes, which need not be UTF-8
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The files one behind the other, as `cat` gives them.
fn open(paths: impl Iterator<Item = String>) -> Result<Box<dyn Read + Send>, String> {
    let mut text: Option<Box<dyn Read + Send>> = None;
    for path in paths {
        let file: Box<dyn Read + Send> = match path.as_str() {
            "-" => Box::new(io::stdin()),
            _ => Box::new(File::open(&path).map_err(|error| format!("{path}: {error}"))?),
        };
        text = Some(match text {
            Some(before) => Box::new(before.chain(file)),
            None => file,
        });
    }
    Ok(text.unwrap_or_else(|| Box::new(VERSE.as_bytes())))
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = open(env::args().skip(1))?;
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let counts = count(BufReader::with_capacity(BLOCK as usize, text), workers)?;
    print(counts, io::stdout().lock())?;
    Ok(())
}
