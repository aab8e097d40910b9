//! A spec whose type has no `call`.
use mtask::prelude::*;

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }
}

fn main() {
    let _ = par_stateful(0..3u64, [Square::spec(0)]);
}
