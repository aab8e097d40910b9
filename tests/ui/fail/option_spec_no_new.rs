use mtask::delayed_init;

struct Square;

#[delayed_init(spec = Other)]
impl Square {
    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {}
