use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new() -> Result<u8, String> {
        Ok(1)
    }
}

fn main() {
    let spec = Square::spec();
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
