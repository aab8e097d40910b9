use mtask::{Spec, delayed_init};

#[delayed_init]
struct Square {
    id: usize,
    #[init(Vec::with_capacity(size))]
    log: Vec<u64>,
    #[init]
    size: usize,
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
