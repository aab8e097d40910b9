use mtask::{Spec, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new<'a>(text: std::borrow::Cow<'_, str>, parts: &'a [&'a str]) -> Self {
        let _ = (text, parts);
        Self
    }
}

fn main() {
    let spec = Square::spec("a".into(), &[]);
    let workers = spec.times(2).map(|spec| Spec::<Square>::build(&spec));
    workers.for_each(drop);
}
