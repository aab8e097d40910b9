//! `chunk_size` makes no batches.
use mtask::prelude::*;

struct Lengths;

#[delayed_init]
impl Lengths {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, batch: &[String]) -> Vec<usize> {
        batch.iter().map(String::len).collect()
    }
}

fn main() {
    let lines = vec!["one".to_owned()];
    for item in par_stateful(lines, Lengths::spec().times(2)).chunk_size(32) {
        drop(item);
    }
}
