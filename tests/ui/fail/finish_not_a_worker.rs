use mtask::delayed_init;

struct Square;

#[delayed_init]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }

    fn finish(self) -> u64 {
        0
    }
}

fn main() {}
