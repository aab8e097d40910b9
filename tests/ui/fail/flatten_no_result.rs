//! A worker that cannot fail.
use mtask::prelude::*;

fn main() {
    for item in par_map(0..3, 2, |x: u32| x).flatten_errors() {
        drop(item);
    }
}
