//! `into_stream` is of the run.
use mtask::prelude::*;

fn main() {
    let run = par_map(0..4, 2, |x: u32| if x == 1 { Err("busy") } else { Ok(x) });
    drop(run.retries(3).flatten_errors().into_stream());
}
