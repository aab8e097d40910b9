use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new<P: AsRef<str>>(path: P) -> Self {
        let _ = path.as_ref();
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec("a");
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
