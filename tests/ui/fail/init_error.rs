use mtask::{Spec, delayed_init};

struct Unfit;

fn open(_: usize) -> Result<u8, Unfit> {
    Ok(1)
}

#[delayed_init]
struct Square {
    id: usize,
    #[init(open(id)?)]
    file: u8,
}

fn main() {
    let _: Square = Square::spec(1).build().unwrap();
}
