//! What a worker is built from, takes and gives has to be serde.
use mtask::prelude::*;

struct Opaque;

#[delayed_init(remote)]
fn hide(_: u64) -> Opaque {
    Opaque
}

#[derive(Clone)]
struct Model;

struct Uses;

#[delayed_init(remote)]
impl Uses {
    fn new(model: Model) -> Self {
        let _ = model;
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

fn main() {}
