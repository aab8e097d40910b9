//! 9. A panicking source: what was pulled before is yielded first, then the panic resumes in the
//!    consumer; afterwards `None`.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use super::each_way;
use super::puppet::{Fate, number_of};
use crate::system::Folder;
use crate::util::watched;

#[derive(Debug, PartialEq)]
struct Broken(usize);

#[test]
fn what_was_pulled_comes_first_then_the_panic_then_nothing() {
    watched(|| {
        for at in [0, 1, 2, 60] {
            for workers in [1, 3] {
                each_way!(|start, way| {
                    let folder = Folder::new();
                    let source = (0..).map(move |x| {
                        if x == at {
                            panic_any(Broken(at));
                        }
                        // The source panics while some of these are in hand.
                        (x, if x % 7 == 1 { Fate::Slow(1_000) } else { Fate::Well })
                    });
                    let mut results = start(source, folder.specs(workers));
                    let mut outputs = Vec::new();
                    let outcome = catch_unwind(AssertUnwindSafe(|| {
                        results.by_ref().for_each(|result| outputs.push(number_of(result)));
                    }));
                    let payload = outcome.expect_err("the panic reaches the consumer");
                    assert_eq!(payload.downcast_ref(), Some(&Broken(at)), "{way:?}");
                    assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
                    if !way.ordered {
                        outputs.sort();
                    }
                    assert!(outputs.into_iter().eq(0..at), "{way:?}");
                    assert!((0..3).all(|_| results.next().is_none()), "{way:?}");
                });
            }
        }
    });
}
