use mtask::delayed_init;

struct Square;

#[delayed_init]
impl Square {
    fn build() -> Self {
        Self
    }
}

fn main() {}
