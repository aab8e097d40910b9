use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init(remote)]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(1);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
