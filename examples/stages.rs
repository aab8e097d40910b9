//! Three stages, each with workers and a window of its own: documents are read, decoded, embedded.
//!
//! What fails in one stage passes the later ones in its place, untouched and without a worker.

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::{env, fmt, fs, io, process};

use mtask::prelude::*;

/// A text with nothing in it to embed.
#[derive(Debug)]
struct NoWords;

impl fmt::Display for NoWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text has no words")
    }
}

impl Error for NoWords {}

/// Makes a text a vector, as a model would: here each word's hash chooses an axis and a direction.
struct Embedder {
    dimensions: usize,
}

#[delayed_init]
impl Embedder {
    fn new(dimensions: usize) -> Self {
        Self { dimensions } // in earnest: some seconds and a GPU, for each worker
    }

    fn call(&mut self, text: String) -> Result<Vec<f32>, NoWords> {
        let mut vector = vec![0.0; self.dimensions];
        for word in text.split_whitespace() {
            let mut hasher = DefaultHasher::new();
            word.hash(&mut hasher);
            let hash = hasher.finish();
            let direction = if hash % 2 == 0 { 1.0 } else { -1.0 };
            vector[(hash / 2) as usize % self.dimensions] += direction;
        }
        let length = vector.iter().map(|x: &f32| x * x).sum::<f32>().sqrt();
        if length == 0.0 {
            return Err(NoWords);
        }
        vector.iter_mut().for_each(|x| *x /= length);
        Ok(vector)
    }
}

/// Two hundred documents, some of which each stage fails at.
fn documents(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let write = |n: usize| {
        let path = folder.join(n.to_string());
        match n % 20 {
            3 | 13 => {}                                     // it is not there
            6 => fs::write(&path, b"na\xefve, in Latin-1")?, // it is no UTF-8
            9 | 14 | 19 => fs::write(&path, "\n")?,          // it is blank
            _ => fs::write(&path, "a tale of two stages and three ".repeat(n + 1))?,
        }
        Ok(path)
    };
    (0..200).map(write).collect()
}

const STAGES: [&str; 3] = ["read", "decode", "embed"];

/// An error tells its stage by its cause: those of each stage have a type of their own.
fn stage_of(cause: &(dyn Error + Send + Sync + 'static)) -> usize {
    if cause.is::<io::Error>() {
        0
    } else if cause.is::<FromUtf8Error>() {
        1
    } else {
        2
    }
}

fn main() -> io::Result<()> {
    let folder = env::temp_dir().join(format!("mtask-stages-{}", process::id()));
    let mut results = documents(&folder)?
        .into_iter()
        // Reading waits more than it computes: more workers than cores, and what is read ahead is
        // bounded by this stage's own window.
        .par_stateful(worker_fn(fs::read::<PathBuf>).times(4))
        .max_in_flight(32)
        .flatten_errors()
        .par_stateful_try(worker_fn(String::from_utf8).times(1))
        .max_in_flight(8)
        .flatten_errors()
        .par_stateful_try(Embedder::spec(8).times(2))
        .max_in_flight(16)
        // One bar for the whole, at the end: its length is that of the first source.
        .progress("embedding")
        .flatten_errors();

    let mut embedded = 0;
    let mut failed = STAGES.map(|_| Vec::new());
    for (n, result) in results.by_ref().enumerate() {
        match result {
            Ok(_vector) => embedded += 1,
            Err(error) => {
                // The position in the first source, whichever stage failed.
                assert_eq!(error.index(), Some(n));
                let cause = error.into_cause().expect("no worker panics here");
                failed[stage_of(&*cause)].push(format!("document {n}: {cause}"));
            }
        }
    }
    fs::remove_dir_all(&folder)?;
    assert_eq!(results.ended(), Some(Ended::Complete));

    println!("{embedded} documents were embedded");
    for (stage, errors) in STAGES.iter().zip(&failed) {
        println!("{} failed in stage {stage}, the first of them {}", errors.len(), errors[0]);
    }
    // Of the last stage, for which those before it are the source.
    println!("\n{}", results.get_ref().stats());

    assert_eq!((embedded, failed.map(|errors| errors.len())), (140, [20, 10, 30]));
    Ok(())
}
