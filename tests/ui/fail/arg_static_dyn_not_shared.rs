use std::fmt::Debug;

use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(apply: &'static dyn Fn(u8), shown: &'static dyn Debug) -> Self {
        apply(1);
        println!("{shown:?}");
        Self
    }
}

fn main() {
    let spec = Square::spec(&drop, &1);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
