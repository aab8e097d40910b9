use mtask::{Spec, delayed_init};

struct Key;

#[delayed_init]
struct Square {
    id: usize,
    key: Key,
}

fn main() {
    let _: Square = Square::spec(1, Key).build().unwrap();
}
