//! A worker that is not opted in.
use mtask::prelude::*;
use mtask::Processes;

struct Plain;

#[delayed_init]
impl Plain {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {
    let mut run = par_stateful(0..3u64, [Plain::spec()]).backend(Processes::new());
    let _ = run.next();
}
