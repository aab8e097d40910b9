use mtask::{Spec, delayed_init};

#[delayed_init]
struct Square {
    id: usize,
    count: std::rc::Rc<u8>,
}

fn main() {
    drop(Square::spec(1, 2.into()).times(2));
}
