use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, apply: Box<dyn Fn(u64) -> u64 + Send>) -> Self {
        let _ = (id, apply);
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(1, Box::new(|x| x));
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
