use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(apply: &dyn Fn(u8)) -> Self {
        apply(1);
        Self
    }
}

fn main() {
    let spec = Square::spec(&drop);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
