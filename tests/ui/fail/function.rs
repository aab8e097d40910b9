use mtask::delayed_init;

#[delayed_init]
const fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    square(2);
}
