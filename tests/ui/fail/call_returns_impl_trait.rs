use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: u64) -> impl Iterator<Item = u64> {
        0..x
    }
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
