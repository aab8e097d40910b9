//! A closure's argument.
use mtask::prelude::*;

fn main() {
    let specs = worker_fn(|text: String| text.len()).times(2);
    drop(["one"].into_iter().par_stateful(specs));
}
