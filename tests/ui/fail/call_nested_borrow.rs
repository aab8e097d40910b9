use mtask::{Spec, Worker, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: Vec<&str>) -> u64 {
        x.len() as u64
    }
}

fn main() {
    let mut worker = Square::spec(1).build().unwrap();
    drop(Worker::call(&mut worker, vec![""]));
}
