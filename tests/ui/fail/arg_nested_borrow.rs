use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, name: Option<&str>) -> Self {
        let _ = (id, name);
        Self
    }
}

fn main() {
    let spec = Square::spec(1, None);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
