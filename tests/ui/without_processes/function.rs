use mtask::delayed_init;

#[delayed_init(remote)]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {
    assert_eq!(double(1), 2);
}
