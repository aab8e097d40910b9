use mtask::delayed_init;

struct Key;

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, key: &Key) -> Self {
        let _ = (id, key);
        Self
    }
}

fn main() {}
