//! What is written `&str` in `call` is a `String`.
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
    for item in par_stateful(["1", "2"], Parse::spec().times(2)) {
        drop(item);
    }
}
