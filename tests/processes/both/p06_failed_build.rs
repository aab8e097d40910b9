//! 6. A failed build costs no item: it is made again after a pause, and the item is run by another worker or
//!    waits. The run ends when none of its workers can be built.

use std::error::Error;
use std::time::Duration;

use mtask::{Ended, Retry, TaskErrorKind};

use super::each_way;
use super::puppet::{Builds, Fate, number_of, well};
use crate::system::Folder;
use crate::util::{counted, watched};

#[test]
fn a_failed_build_costs_no_item_and_is_made_again() {
    for builds in [Builds::FailFirst(2), Builds::PanicFirst(2)] {
        each_way!(|start, way| {
            let folder = Folder::new();
            let mut results = start((0..4).map(well), [folder.spec(0, builds.clone())]);
            assert!(results.by_ref().map(number_of).eq(0..4), "{way:?}");
            let stats = results.stats();
            assert_eq!((stats.builds, stats.failed_builds, stats.retired), (1, 2, 0), "{way:?}");
            assert_eq!(results.ended(), Some(Ended::Complete), "{way:?}");
        });
    }
}

#[test]
fn where_no_worker_can_be_built_the_run_ends() {
    watched(|| {
        for workers in [1, 3] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let specs = vec![folder.spec(0, Builds::FailFirst(1_000)); workers];
                let mut results = start((0..100_000).map(well), specs);
                let mut errors = Vec::new();
                loop {
                    let (least, most) = results.size_hint();
                    assert_eq!(Some(least), most, "{way:?}");
                    let Some(item) = results.next() else { break };
                    errors.push(item.unwrap_err());
                }
                let (rest, items) = errors.split_last().unwrap();
                assert!((1..100_000).contains(&items.len()), "{} items: {way:?}", items.len());
                for error in &errors {
                    assert_eq!((error.kind(), error.worker()), (TaskErrorKind::NoWorkerLeft, None));
                    let last_build = error.source().unwrap();
                    assert!(last_build.to_string().contains("could not be built"), "{last_build}");
                    assert!(last_build.source().unwrap().to_string().contains("no device"));
                    assert_eq!(error.attempts(), 0);
                }
                let mut indices: Vec<_> = items.iter().map(|it| it.index().unwrap()).collect();
                indices.sort_unstable();
                assert!(indices.iter().copied().eq(0..items.len()), "{way:?}");
                assert_eq!(rest.index(), None, "it stands for those that were not pulled");
                assert!(folder.count("build") >= 3);
                assert_eq!(results.stats().retired, workers, "{way:?}");
                assert_eq!(results.ended(), Some(Ended::NoWorkerLeft), "{way:?}");
            });
        }
    });
}

#[test]
fn once_a_worker_was_up_three_failures_are_no_end() {
    watched(|| {
        each_way!(|start, way| {
            // Two failures, a success that ends by a panic, and so on.
            let folder = Folder::new();
            let specs = [folder.spec(0, Builds::FailTwice)];
            let mut results = start((0..3).map(|x| (x, Fate::Panic)), specs);
            for index in 0..3 {
                let error = results.next().unwrap().unwrap_err();
                assert_eq!(error.kind(), TaskErrorKind::Panicked, "{error}: {way:?}");
                assert_eq!(error.index(), Some(index), "{way:?}");
            }
            assert_eq!((folder.count("build"), results.stats().retired), (9, 0), "{way:?}");
        });
    });
}

#[test]
fn a_worker_that_cannot_be_built_costs_the_others_nothing() {
    watched(|| {
        each_way!(|start, way| {
            let (bad, good) = (Folder::new(), Folder::new());
            let specs = [bad.spec(0, Builds::FailFirst(1_000)), good.spec(1, Builds::Well)];
            let items = (0..200).map(|x| (x, Fate::Slow(1_000)));
            let mut results = start(items, specs);
            assert_eq!(results.by_ref().map(number_of).count(), 200, "{way:?}");
            assert_eq!(results.stats().retired, 0, "{way:?}");
        });
    });
}

#[test]
fn a_failed_build_now_is_the_only_item() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let (source, pulled) = counted((0..100).map(well));
            let specs = vec![folder.spec(0, Builds::FailFirst(1_000)); 3];
            let mut results = start(source, specs).build_now();
            let error = results.next().unwrap().unwrap_err();
            assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
            assert!(error.worker().is_some());
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!((pulled.get(), results.ended()), (0, Some(Ended::StartFailed)), "{way:?}");
        });
    });
}

#[test]
fn a_run_ends_after_as_many_attempts_as_were_asked_for() {
    for times in [0, 4] {
        each_way!(|start, way| {
            let folder = Folder::new();
            let retry = Retry::times(times).delay(Duration::from_millis(1));
            let specs = [folder.spec(0, Builds::FailFirst(1_000))];
            let mut results = start((0..1).map(well), specs).build_retry(retry);
            let error = results.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft, "{way:?}");
            assert!(results.next().is_none(), "{way:?}");
            assert_eq!(folder.count("build"), times + 1, "{way:?}");
        });
    }
}

#[test]
fn builds_at_the_start_have_as_many_attempts_as_were_asked_for() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let retry = Retry::times(4).delay(Duration::from_millis(1));
        let specs = [folder.spec(0, Builds::FailFirst(1_000))];
        let mut results = start((0..9).map(well), specs).build_retry(retry).build_now();
        let error = results.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), TaskErrorKind::BuildFailed, "{way:?}");
        assert!(results.next().is_none(), "{way:?}");
        assert_eq!(folder.count("build"), 5, "{way:?}");
    });
}
