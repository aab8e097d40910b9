use mtask::{Spec, delayed_init};

#[delayed_init]
struct Square {
    id: usize,
    name: Option<&str>,
    #[init]
    seen: usize,
}

fn main() {
    let _: Square = Square::spec(1, None).build().unwrap();
}
