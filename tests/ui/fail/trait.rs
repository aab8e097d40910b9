use mtask::delayed_init;

#[delayed_init]
pub unsafe trait Shape {
    fn call(&mut self);
}

fn main() {}
