//! `lines()` gives `Result`s.
use std::io::BufRead;

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
    let lines = b"1\n2\n".lines();
    for item in par_stateful(lines, Parse::spec().times(2)) {
        drop(item);
    }
}
