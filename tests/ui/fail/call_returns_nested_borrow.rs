use mtask::{Spec, Worker, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call<'a>(&'a mut self, x: u64) -> Option<std::slice::Iter<'a, u8>> {
        assert!(x > 0);
        None
    }
}

fn main() {
    let mut worker = Square::spec(1).build().unwrap();
    drop(Worker::call(&mut worker, 5));
}
