use mtask::delayed_init;

#[derive(Clone)]
struct Raw(*const u8);

struct Square;

#[delayed_init]
impl Square {
    fn new(id: usize, raw: Raw, name: &str) -> Self {
        let _ = (id, raw, name);
        Self
    }
}

fn main() {
    drop(Square::spec(1, Raw(&1), "n"));
}
