use mtask::{Spec, delayed_init};

struct Unfit;

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize) -> Result<Self, Unfit> {
        if id > 0 { Ok(Self) } else { Err(Unfit) }
    }
}

fn main() {
    let spec = Square::spec(1);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
