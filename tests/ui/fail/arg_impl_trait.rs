use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(lines: impl Iterator<Item = u8>) -> Self {
        lines.for_each(drop);
        Self
    }
}

fn main() {
    let spec = Square::spec(0..3);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
