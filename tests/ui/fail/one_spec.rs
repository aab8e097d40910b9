//! One spec is no list.
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
    let lines = vec!["1".to_owned()];
    for item in par_stateful(lines, Parse::spec()) {
        drop(item);
    }
}
