//! Values that lie deep in each other: each costs its item or its build, and no process.

use mtask::prelude::*;
use mtask::{Processes, RemoteError};
use serde::{Deserialize, Serialize};

use crate::util::process::alone;
use crate::util::watched;

/// Deeper than any stack that a process has by itself, encoded or decoded; one that can still be dropped by a lane
/// and by a main thread.
const DEEP: usize = 20_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nested(Option<Box<Nested>>);

impl Nested {
    fn of(depth: usize) -> Self {
        (0..depth).fold(Self(None), |inner, _| Self(Some(Box::new(inner))))
    }

    fn depth(&self) -> usize {
        std::iter::successors(self.0.as_deref(), |nested| nested.0.as_deref()).count()
    }
}

#[delayed_init(remote)]
fn measure(nested: Nested) -> usize {
    nested.depth()
}

#[delayed_init(remote)]
fn nest(depth: usize) -> Nested {
    Nested::of(depth)
}

#[test]
fn a_deep_input_costs_its_item() {
    alone(|| {
        watched(|| {
            let items = [1, DEEP, 2].into_iter().map(Nested::of);
            let results = par_stateful(items, [measure::spec()]).backend(Processes::new());
            only_the_second(results);
        });
    });
}

#[test]
fn a_deep_output_costs_its_item() {
    alone(|| {
        watched(|| {
            let results = par_stateful([1, DEEP, 2], [nest::spec()]).backend(Processes::new());
            only_the_second(results.map(|nested| Ok(nested?.depth())));
        });
    });
}

fn only_the_second(results: impl Iterator<Item = Result<usize, TaskError>>) {
    let results: Vec<_> = results.collect();
    let [Ok(1), Err(error), Ok(2)] = &results[..] else { panic!("{results:?}") };
    assert_eq!((error.kind(), error.index()), (TaskErrorKind::NotSent, Some(1)), "{error}");
    assert!(error.to_string().contains("512 deep"), "{error}");
}

struct Deep;

#[delayed_init(remote)]
impl Deep {
    fn new(nested: Nested) -> Result<Self, RemoteError> {
        drop(nested);
        Ok(Self)
    }

    fn call(&mut self, depth: usize) -> usize {
        depth
    }

    fn finish(self) -> Nested {
        Nested::of(DEEP)
    }
}

#[test]
fn a_deep_spec_is_a_failed_build() {
    alone(|| {
        // The consumer drops it too, and a thread of a test has a smaller stack than a main thread.
        let test = || {
            let specs = [Deep::spec(Nested::of(DEEP))];
            let mut results = par_stateful(0..3, specs).backend(Processes::new());
            let error = results.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft, "{error}");
        };
        std::thread::Builder::new().stack_size(64 << 20).spawn(test).unwrap().join().unwrap();
    });
}

#[test]
fn a_deep_summary_is_an_error_in_its_place() {
    alone(|| {
        watched(|| {
            let specs = [Deep::spec(Nested::of(1))];
            let mut results = par_stateful(0..3, specs).backend(Processes::new()).with_summaries();
            assert!(results.by_ref().map(Result::unwrap).eq(0..3));
            assert!(results.into_summaries()[0].1.is_err());
        });
    });
}
