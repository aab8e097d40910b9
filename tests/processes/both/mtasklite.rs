//! The behaviours of the Python original that are not about closures; the numbers are those of the list
//! in `tests/it/mtasklite.rs`.

use std::error::Error;

use mtask::prelude::*;
use mtask::{Processes, RemoteSpec};
use serde::{Deserialize, Serialize};

use super::each_way;
use super::puppet::{Fate, number_of, well};
use crate::system::Folder;
use crate::util::{counted, watched};

/// 1, 2, 7, 8, 40: a worker for each spec, each with its own arguments; one spec twice shares nothing.
#[test]
fn there_is_a_worker_for_each_spec() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..60).map(|x| (x, Fate::Slow(2_000)));
            let told = start(items, folder.specs(3)).map(|told| told.unwrap().unwrap());
            let mut ids: Vec<_> = told.map(|told| told.id).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids, [0, 1, 2], "{way:?}");
        });
    });
}

#[delayed_init(remote)]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[delayed_init(remote)]
struct Multiply {
    by: u64,
}

impl Worker for Multiply {
    type Input = (u64, u64);
    type Output = u64;

    fn call(&mut self, (a, b): (u64, u64)) -> u64 {
        a * b * self.by
    }
}

/// 6, 9, 38: functions and specs, and both in one list; arguments by position.
#[test]
fn functions_and_specs_mix_in_one_list() {
    each_way!(|start, way| {
        let specs = [add::spec().remote_boxed(), Multiply::spec(10).remote_boxed()];
        let results = start(vec![(2, 3); 50], specs);
        assert!(results.map(Result::unwrap).all(|x| x == 5 || x == 60), "{way:?}");
    });
}

/// 28, 33: nothing happens before the first `next()`, but the length is known.
#[test]
fn nothing_is_pulled_before_the_first_next() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let (source, pulled) = counted((0..10).map(well));
        let results = start(source, folder.specs(2));
        assert_eq!((results.len(), pulled.get(), folder.count("build")), (10, 0, 0), "{way:?}");
    });
}

/// 31: unbounded reads everything.
#[test]
fn unbounded_reads_everything() {
    use crate::util::eventually;

    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..5_000).map(|x| (x, if x == 0 { Fate::Gate } else { Fate::Well }));
            let (source, pulled) = counted(items);
            let mut results = start(source, folder.specs(2)).unbounded().start();
            eventually("all is read", || pulled.get() == 5_000);
            folder.open();
            assert_eq!(results.by_ref().count(), 5_000, "{way:?}");
        });
    });
}

fn sometimes(x: usize) -> (usize, Fate) {
    (x, if x % 10 == 4 { Fate::Fail } else { Fate::Well })
}

/// 41, 44: an error takes the place of its item, and is not raised.
#[test]
fn an_error_takes_the_place_of_its_item() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let results = start((0..30).map(sometimes), folder.specs(2)).flatten_errors();
        let errors: Vec<_> = results.filter_map(Result::err).collect();
        let mut indices: Vec<_> = errors.iter().filter_map(TaskError::index).collect();
        indices.sort();
        assert_eq!(indices, [4, 14, 24], "{way:?}");
        assert!(errors[0].source().unwrap().to_string().starts_with("item "), "{way:?}");
    });
}

/// 42, 50: immediate: what came before, the error, nothing; the backlog is not run.
#[test]
fn stop_on_error_ends_at_the_error() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let (source, pulled) = counted((0..100_000).map(sometimes));
            let results = start(source, folder.specs(2)).flatten_errors().stop_on_error();
            let results: Vec<_> = results.collect();
            let (last, before) = results.split_last().unwrap();
            assert!(last.is_err() && before.iter().all(Result::is_ok), "{way:?}");
            assert!(!way.ordered || before.len() == 4, "{way:?}");
            assert!(pulled.get() < 50_000, "{} were pulled: {way:?}", pulled.get());
        });
    });
}

/// 43: deferred: the successes, and one error of all at the end.
#[test]
fn defer_errors_ends_with_one_error_of_all() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let results = start((0..100).map(sometimes), folder.specs(2)).flatten_errors();
        let mut results: Vec<_> = results.defer_errors().collect();
        let errors = results.pop().unwrap().unwrap_err();
        assert_eq!((results.len(), errors.count()), (90, 10), "{way:?}");
    });
}

/// 46: an error in the loop body leaves no worker.
#[test]
fn an_error_in_the_loop_body_leaves_no_worker() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let body = || -> Result<(), Box<dyn Error>> {
                for told in start((0..).map(well), folder.specs(3)) {
                    if number_of(told) == 20 {
                        return Err("enough".into());
                    }
                }
                Ok(())
            };
            assert!(body().is_err());
            assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
        });
    });
}

/// 47, 48: a run can be asked whether it has ended, and one that is never used closes cleanly.
#[test]
fn a_run_can_be_asked_whether_it_has_ended() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let mut results = start((0..3).map(well), folder.specs(2));
        assert!(!results.is_finished());
        assert_eq!(results.by_ref().count(), 3);
        assert!(results.is_finished(), "{way:?}");
    });
    each_way!(|start, _way| {
        let folder = Folder::new();
        drop(start((0..3).map(well), folder.specs(2)));
        assert_eq!(folder.count("build"), 0);
    });
}

/// 51: the same specs serve many runs.
#[test]
fn specs_serve_many_runs() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let specs = folder.specs(2);
        assert!(start((0..9).map(well), specs.clone()).map(number_of).count() == 9, "{way:?}");
        assert_eq!(specs.len(), 2);
    });
}

/// How the runs of a worker that runs others are run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Inner {
    Threads,
    Processes,
}

#[delayed_init(remote)]
fn sum_of_sums(upto: u64, inner: Inner) -> Result<u64, RemoteError> {
    let pairs = (0..upto).map(|x| (x, x));
    let sums = par_stateful(pairs, add::spec().times(2));
    let error = RemoteError::from_boxed;
    match inner {
        Inner::Threads => sums.sum::<Result<u64, _>>().map_err(error),
        Inner::Processes => sums.backend(Processes::new()).sum::<Result<u64, _>>().map_err(error),
    }
}

/// 53: runs nest, threads and processes in each other.
#[test]
fn runs_nest() {
    watched(|| {
        for inner in [Inner::Threads, Inner::Processes] {
            each_way!(|start, way| {
                let results =
                    start((0..6).map(move |upto| (upto, inner)), vec![sum_of_sums::spec(); 2]);
                let mut sums: Vec<u64> = results.map(|sum| sum.unwrap().unwrap()).collect();
                sums.sort();
                assert_eq!(sums, [0, 0, 2, 6, 12, 20], "{inner:?} in {way:?}");
            });
        }
    });
}
