use mtask::delayed_init;

struct Square;

impl Square {
    #[delayed_init]
    pub fn new(id: usize) -> Self {
        let _ = id;
        Self
    }
}

fn main() {
    Square::new(1);
}
