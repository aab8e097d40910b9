//! What an option asks of a front that does not have it: the cells of promise 15 that do not compile, where results are
//! awaited.
use mtask::prelude::*;

fn main() {
    let specs = || worker_fn(|x: u32| x + 1).times(2);
    par_stateful_local(0..3, specs()).into_stream();
    par_stateful(0..3, specs()).inline().into_stream();

    let stream = || par_stateful_stream(futures_util::stream::iter(0..3), specs());
    stream().inline();
    for item in stream() {
        drop(item);
    }
}
