use mtask::{Spec, delayed_init};

struct Key;

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, keys: &[Key]) -> Self {
        let _ = (id, keys);
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(1, &[Key]);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
