use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) {}
}

fn main() {
    let spec = Square::spec(1);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
