//! A boxed error without `Send`.
use std::error::Error;

use mtask::prelude::*;

fn check(x: u32) -> Result<u32, Box<dyn Error>> {
    Ok(x)
}

fn main() {
    for item in par_stateful(0..3, worker_fn(check).times(2)) {
        drop(item);
    }
}
