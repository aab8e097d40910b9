use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new<'a>(text: &'a str) -> Self
    where
        'a: 'a,
    {
        let _ = text;
        Self
    }
}

fn main() {
    let spec = Square::spec("a");
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
