use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    #[cfg(all())]
    fn new(_id: usize) -> Self {
        Self
    }

    #[cfg(any())]
    fn new() -> Self {
        Self
    }
}

fn main() {
    let spec = Square::spec(1);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
