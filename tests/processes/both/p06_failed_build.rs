//! 6. A failed build costs the item in hand; three in a row retire the worker, a success resets the
//!    count, and when no worker is left every further input yields an error.

use std::error::Error;

use mtask::{TaskError, TaskErrorKind};

use super::each_way;
use super::puppet::{Builds, Fate, number_of, well};
use crate::system::Folder;
use crate::util::{counted, watched};

#[track_caller]
fn assert_build_failed(error: &TaskError, index: usize, worker: Option<usize>) {
    assert_eq!(error.kind(), TaskErrorKind::BuildFailed, "{error}");
    assert_eq!((error.index(), error.worker()), (Some(index), worker), "{error}");
}

#[test]
fn a_failed_build_costs_the_item_in_hand_and_names_the_cause() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let specs = [folder.spec(0, Builds::FailFirst(2))];
        let mut results = start((0..4).map(well), specs);
        for index in 0..2 {
            let error = results.next().unwrap().unwrap_err();
            assert_build_failed(&error, index, Some(0));
            assert_eq!(error.to_string(), format!("item {index}: worker 0 could not be built"));
            assert_eq!(
                error.source().unwrap().to_string(),
                format!("no device {index}"),
                "{way:?}"
            );
        }
        assert!(results.by_ref().map(number_of).eq(2..4), "it is tried again: {way:?}");
        let stats = results.stats();
        assert_eq!((stats.builds, stats.failed_builds, stats.retired), (1, 2, 0), "{way:?}");
    });
}

#[test]
fn a_panic_in_a_build_is_a_failed_build() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let specs = [folder.spec(0, Builds::PanicFirst(1))];
        let mut results = start((0..2).map(well), specs);
        let error = results.next().unwrap().unwrap_err();
        assert_build_failed(&error, 0, Some(0));
        assert_eq!(error.panic_message(), Some("build 0 breaks"), "{way:?}");
        assert_eq!(number_of(results.next().unwrap()), 1, "{way:?}");
    });
}

#[test]
fn three_failures_in_a_row_retire_a_worker() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let specs = [folder.spec(0, Builds::FailFirst(1_000))];
            let mut results = start((0..30).map(well), specs);
            for index in 0..3 {
                assert_build_failed(&results.next().unwrap().unwrap_err(), index, Some(0));
            }
            for index in 3..30 {
                let error = results.next().unwrap().unwrap_err();
                assert_build_failed(&error, index, None);
                assert!(
                    error.to_string().contains("no device 2"),
                    "the last cause is told: {error}"
                );
            }
            assert!(results.next().is_none());
            assert_eq!(folder.count("build"), 3, "a retired worker is not built again: {way:?}");
            assert_eq!(results.stats().retired, 1);
        });
    });
}

#[test]
fn a_success_resets_the_count() {
    watched(|| {
        each_way!(|start, way| {
            // Two failures, a success that ends by a panic, and so on.
            let folder = Folder::new();
            let specs = [folder.spec(0, Builds::FailTwice)];
            let mut results = start((0..15).map(|x| (x, Fate::Panic)), specs);
            for index in 0..15 {
                let error = results.next().unwrap().unwrap_err();
                let kind = if index % 3 < 2 {
                    TaskErrorKind::BuildFailed
                } else {
                    TaskErrorKind::Panicked
                };
                assert_eq!(error.kind(), kind, "{error}: {way:?}");
            }
            assert_eq!((folder.count("build"), results.stats().retired), (15, 0), "{way:?}");
        });
    });
}

#[test]
fn the_others_go_on_when_a_worker_is_retired() {
    watched(|| {
        each_way!(|start, way| {
            let (bad, good) = (Folder::new(), Folder::new());
            let specs = [bad.spec(0, Builds::FailFirst(1_000)), good.spec(1, Builds::Well)];
            let items = (0..200).map(|x| (x, Fate::Slow(1_000)));
            let failed: Vec<_> = start(items, specs).filter_map(Result::err).collect();
            assert!(failed.len() <= 3, "{way:?}");
            assert!(failed.iter().all(|error| error.worker() == Some(0)));
        });
    });
}

#[test]
fn when_no_worker_is_left_every_further_input_yields_an_error() {
    watched(|| {
        for workers in [1, 3] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let specs = vec![folder.spec(0, Builds::FailFirst(1_000)); workers];
                let mut results = start((0..100).map(well), specs);
                let errors: Vec<_> = results.by_ref().map(Result::unwrap_err).collect();
                assert_eq!(errors.len(), 100, "{way:?}");
                assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::BuildFailed));
                let without = errors.iter().filter(|error| error.worker().is_none()).count();
                assert_eq!(without, 100 - 3 * workers, "{way:?}");
                assert_eq!(results.stats().retired, workers);
            });
        }
    });
}

#[test]
fn a_failed_build_now_is_the_only_item() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let (source, pulled) = counted((0..100).map(well));
            let specs = vec![folder.spec(0, Builds::FailFirst(1)); 3];
            let mut results = start(source, specs).build_now();
            let error = results.next().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
            assert!(error.worker().is_some());
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!((pulled.get(), folder.count("build")), (0, 3), "{way:?}");
        });
    });
}
