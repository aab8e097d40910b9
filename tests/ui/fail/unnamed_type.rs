use mtask::delayed_init;

trait Shape {}

#[delayed_init]
impl dyn Shape {
    fn call(&mut self) {}
}

fn main() {}
