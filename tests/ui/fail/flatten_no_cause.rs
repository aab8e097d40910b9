//! An error that is none.
use mtask::prelude::*;

fn main() {
    for item in par_map(0..3, 2, |x: u32| if x == 1 { Err(7u8) } else { Ok(x) }).flatten_errors() {
        drop(item);
    }
}
