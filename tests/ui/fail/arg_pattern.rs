use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new((a, b): (u8, u8), _: u8) -> Self {
        let _ = a + b;
        Self
    }
}

fn main() {
    let spec = Square::spec((1, 2), 3);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
