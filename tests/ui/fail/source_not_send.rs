//! The lock of standard input stays on its thread.
use std::io::{BufRead, stdin};

use mtask::prelude::*;

struct Parse;

#[delayed_init]
impl Parse {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, line: &str) -> Result<usize, std::num::ParseIntError> {
        line.parse()
    }
}

fn main() {
    let lines = stdin().lock().lines().map(Result::unwrap);
    for item in par_stateful(lines, Parse::spec().times(2)) {
        drop(item);
    }
}
