use mtask::{Spec, delayed_init};

#[delayed_init]
struct Square {
    id: usize,
    #[init]
    log: Vec<usize>,
    #[init(log)]
    other: Vec<usize>,
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
