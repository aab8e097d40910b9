use mtask::{Spec, delayed_init};

use std::sync::Arc;

struct Square;

#[delayed_init]
impl Square {
    fn new(apply: Arc<dyn Fn(u64) -> u64>) -> Self {
        let _ = apply;
        Self
    }
}

fn main() {
    let spec = Square::spec(Arc::new(|x| x));
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
