//! A boxed spec cannot be sent to another process.
use mtask::prelude::*;
use mtask::Processes;

#[delayed_init(remote)]
fn double(x: u64) -> u64 {
    2 * x
}

fn main() {
    let specs = [double::spec().boxed()];
    let all: Vec<_> = par_stateful(0..3u64, specs).backend(Processes::new()).collect();
    drop(all);
}
