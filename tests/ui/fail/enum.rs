use mtask::delayed_init;

#[delayed_init]
#[derive(Debug)]
pub enum Shape {
    Square,
}

fn main() {
    let _ = Shape::Square;
}
