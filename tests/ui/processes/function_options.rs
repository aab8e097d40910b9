//! Options that mean nothing on a function, and functions that cannot be workers.
use mtask::delayed_init;

#[delayed_init(remote, spec = Other)]
fn a(x: u64) -> u64 {
    x
}

#[delayed_init(remote)]
fn b<T>(x: T) -> T {
    x
}

#[delayed_init(remote)]
async fn c(x: u64) -> u64 {
    x
}

#[delayed_init(remote)]
unsafe fn d(x: u64) -> u64 {
    x
}

struct OnlyCall;

#[delayed_init(remote)]
impl OnlyCall {
    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let _ = (a::spec(), c::spec(), d::spec());
}
