use mtask::{Spec, delayed_init};

#[delayed_init]
struct Square(usize, #[init] u64);

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
