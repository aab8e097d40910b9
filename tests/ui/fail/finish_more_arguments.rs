use mtask::delayed_init;

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn finish(self, x: u64) -> u64 {
        x
    }
}

fn main() {}
