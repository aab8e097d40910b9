use mtask::{Spec, delayed_init};

use std::rc::Rc;

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, count: Rc<u8>, name: String) -> Self {
        let _ = (id, count, name);
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(1, Rc::new(2), String::new());
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
