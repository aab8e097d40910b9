use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;

use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(log: Arc<RefCell<u8>>, title: Arc<dyn Display>) -> Self {
        let _ = (log, title);
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let spec = Square::spec(Arc::default(), Arc::new("t"));
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
