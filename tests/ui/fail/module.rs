use mtask::delayed_init;

#[delayed_init]
mod shapes {}

fn main() {}
