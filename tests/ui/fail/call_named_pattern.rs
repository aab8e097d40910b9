use mtask::{Spec, Worker, delayed_init};

struct Square;

#[delayed_init(named)]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, (a, b): (u64, u64)) -> u64 {
        a + b
    }
}

fn main() {
    let mut worker = Square::spec(1).build().unwrap();
    drop(Worker::call(&mut worker, (5, 6)));
}
