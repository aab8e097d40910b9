//! 7. A panic costs one item, with its message; the worker is built anew.

use mtask::TaskErrorKind;

use super::each_way;
use super::puppet::{Fate, number_of};
use crate::system::Folder;
use crate::util::watched;

#[test]
fn a_panic_costs_one_item_and_the_worker_is_built_anew() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..20).map(|x| (x, if x % 5 == 3 { Fate::Panic } else { Fate::Well }));
            let mut results = start(items, folder.specs(1));
            let mut seen = 0;
            for index in 0..20 {
                match results.next().unwrap() {
                    Err(error) => {
                        assert_eq!(
                            (error.kind(), error.index()),
                            (TaskErrorKind::Panicked, Some(index))
                        );
                        assert_eq!(error.worker(), Some(0));
                        let message = format!("item {index} panics");
                        assert_eq!(error.panic_message(), Some(&*message));
                        assert!(error.to_string().contains(&message), "{error}");
                        assert_eq!(index % 5, 3, "{way:?}");
                        seen = 0;
                    }
                    Ok(told) => {
                        seen += 1;
                        assert_eq!(told.unwrap().calls, seen, "the state is new: {way:?}");
                    }
                }
            }
            assert!(results.next().is_none());
            let stats = results.stats();
            assert_eq!((folder.count("build"), stats.builds, stats.panics), (5, 5, 4), "{way:?}");
        });
    });
}

#[test]
fn every_item_may_panic() {
    watched(|| {
        for workers in [1, 3] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let items = (0..60).map(|x| (x, Fate::Panic));
                let mut results = start(items, folder.specs(workers));
                assert_eq!(results.by_ref().filter(Result::is_err).count(), 60, "{way:?}");
                let stats = results.stats();
                assert_eq!((stats.panics, stats.retired), (60, 0), "{way:?}");
                assert_eq!(folder.count("build"), 60, "{way:?}");
            });
        }
    });
}

#[test]
fn propagate_panics_resumes_the_panic_in_the_consumer() {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..8).map(|x| (x, if x == 3 { Fate::Panic } else { Fate::Well }));
            let results = start(items, folder.specs(1)).propagate_panics();
            let mut outputs = results.map(|told| number_of(Ok(told)));
            assert!(outputs.by_ref().take(3).eq(0..3), "{way:?}");
            let payload = catch_unwind(AssertUnwindSafe(|| outputs.next())).unwrap_err();
            assert_eq!(payload.downcast_ref::<String>().unwrap(), "item 3 panics", "{way:?}");
            assert!(outputs.eq(4..8), "the run goes on: {way:?}");
        });
    });
}
