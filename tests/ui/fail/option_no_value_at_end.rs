use mtask::delayed_init;

struct Square;

#[delayed_init(debug = false, crate)]
impl Square {
    fn new(_id: usize) -> Self {
        Self
    }
}

fn main() {}
