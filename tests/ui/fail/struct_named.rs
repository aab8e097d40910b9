use mtask::{Spec, delayed_init};

#[delayed_init(named)]
struct Square {
    id: usize,
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
