use std::borrow::Cow;

use mtask::{Spec, Worker, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(name: Cow<str>) -> Self {
        let _ = name;
        Self
    }

    fn call(&mut self, line: Cow<str>) -> usize {
        line.len()
    }
}

fn main() {
    let mut worker = Square::spec("a".into()).build().unwrap();
    println!("{}", Worker::call(&mut worker, "b".into()) + 1);
}
