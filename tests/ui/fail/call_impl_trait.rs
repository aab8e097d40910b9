use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: impl Into<u64>) -> u64 {
        x.into()
    }
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
