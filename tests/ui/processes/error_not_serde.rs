//! An error that is not serde.
use std::io;

use mtask::Processes;
use mtask::prelude::*;

#[delayed_init(remote)]
fn read(x: u32) -> io::Result<u32> {
    Ok(x)
}

fn main() {
    mtask::init();
    for item in par_stateful(0..3, read::spec().times(2)).backend(Processes::new()) {
        drop(item);
    }
}
