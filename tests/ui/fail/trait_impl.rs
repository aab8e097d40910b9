use mtask::{Worker, delayed_init};

struct Square;

#[delayed_init]
impl Worker for Square {
    type Input = u64;
    type Output = u64;

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    Square.call(2);
}
