//! A closure cannot be sent to another process.
use mtask::prelude::*;
use mtask::Processes;

fn main() {
    let specs = worker_fn(|x: u64| x + 1).times(2);
    for item in par_stateful(0..3u64, specs).backend(Processes::new()) {
        let _ = item;
    }
}
