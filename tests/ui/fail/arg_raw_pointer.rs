use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, place: Option<*const u8>) -> Self {
        let _ = (id, place);
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(1, None);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
