use mtask::{Spec, Worker, delayed_init};

struct Square;

#[delayed_init]
impl Square {
    fn new(self, a: u8) -> Self {
        let _ = a;
        self
    }

    fn call(x: u64) -> u64 {
        x
    }
}

fn main() {
    let mut worker = Square::spec(1).build().unwrap();
    let output = Worker::call(&mut worker, 5);
    println!("{}", output + 1);
}
