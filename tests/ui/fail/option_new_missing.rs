use mtask::delayed_init;

struct Square;

#[delayed_init(new = open)]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {}
