//! An `io::Result` is not `Clone`.
use std::io;

use mtask::prelude::*;

fn main() {
    let items: Vec<io::Result<u32>> = vec![Ok(1)];
    let run = par_map(items, 2, |item: io::Result<u32>| item);
    for item in run.retries(3).flatten_errors() {
        drop(item);
    }
}
