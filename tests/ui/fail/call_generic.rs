use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call<T: From<u64>>(&mut self, x: u64) -> T {
        x.into()
    }
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
