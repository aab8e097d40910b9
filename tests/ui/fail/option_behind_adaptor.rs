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
    let run = || par_stateful(lines.clone(), Parse::spec().times(2));
    drop(run().flatten_errors().progress("parsing"));
    drop(run().stop_on_error().retries(3));
    drop(run().defer_errors().unordered());
    drop(run().propagate_panics().inline());
}
