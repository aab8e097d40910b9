use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(log: &mut Vec<u8>) -> Self {
        log.clear();
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(&mut Vec::new());
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
