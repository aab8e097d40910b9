//! The worker itself where its spec is meant.
use mtask::prelude::*;

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x * x
    }
}

fn main() {
    let _ = par_stateful(0..3, [Square::new(0)]);
}
