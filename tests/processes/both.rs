//! The promises, and the behaviours of the Python original, over both backends from one source.
//!
//! Workers are told what to do by their items, and leave notes in a folder, since nothing else is shared
//! with a process. What differs by nature is a panic's payload, which stays in the child: its message
//! arrives.

mod mtasklite;
mod p02_one_for_one;
mod p03_bounded;
mod p04_length;
mod p05_built_in_place;
mod p06_failed_build;
mod p07_panic;
#[cfg(target_os = "linux")]
mod p08_abort;
mod p08_drop;
#[cfg(target_os = "linux")]
mod p08_limits;
mod p09_panicking_source;
mod p13_empty;
mod puppet;

/// Runs a block once for each backend, in input order and not.
///
/// In the block the first name is a function from a source and specs to the run, to be called once, and
/// the second a [`Way`](crate::util::Way).
macro_rules! each_way {
    (|$start:ident, $way:ident| $body:block) => {
        for ordered in [true, false] {
            {
                let $way = crate::util::Way { start: "threads", ordered };
                let $start = |source, specs| {
                    let results = mtask::par_stateful(source, specs);
                    if ordered { results } else { results.unordered() }
                };
                $body
            }
            {
                let $way = crate::util::Way { start: "processes", ordered };
                let $start = |source, specs| {
                    let results = mtask::par_stateful(source, specs);
                    let results = results.backend(mtask::Processes::new());
                    if ordered { results } else { results.unordered() }
                };
                $body
            }
        }
    };
}
use each_way;
