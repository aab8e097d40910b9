//! What an option asks of a front that does not have it: the cells of promise 15 that do not compile.
use std::time::Duration;

use mtask::prelude::*;
use mtask::threads::Threads;

struct Counter(u32);

#[delayed_init]
impl Counter {
    fn new() -> Self {
        Self(0)
    }

    fn call(&mut self, x: u32) -> u32 {
        self.0 += x;
        self.0
    }

    fn finish(self) -> u32 {
        self.0
    }
}

fn main() {
    let inline = || par_stateful(0..3, Counter::spec().times(2)).inline();
    inline().unordered();
    inline().max_in_flight(2);
    inline().unbounded();
    inline().chunk_size(2);
    inline().shutdown_timeout(Duration::from_secs(1));
    inline().start();
    inline().stop_on_error().start();

    let mut pool = Pool::new(Counter::spec().times(2));
    pool.map(0..3).with_summaries();
    pool.map(0..3).backend(Threads::new());
}
