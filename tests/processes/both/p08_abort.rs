//! 8. `abort()`: what is in progress gets the shutdown timeout, and each item in flight yields one item.

use std::thread;
use std::time::Duration;

use mtask::{Ended, Pool, Processes, TaskError, TaskErrorKind, par_stateful};

use super::each_way;
use super::puppet::{Fate, Told, number_of};
use crate::system::{Folder, children};
use crate::util::process::alone;
use crate::util::{counted, eventually, settle, watched};

const LIMIT: Duration = Duration::from_millis(50);

type Item = Result<Result<Told, String>, TaskError>;

/// Ten items, of which those from `at` on stand at the gate.
fn gated(at: usize) -> impl Iterator<Item = (usize, Fate)> {
    (0..10).map(move |x| (x, if x < at { Fate::Well } else { Fate::Gate })).filter(|_| true)
}

/// The index of an item that was aborted, and how often it was begun.
fn aborted(item: Item) -> (usize, usize) {
    let error = item.unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::Aborted, "{error}");
    assert_eq!(error.worker().is_some(), error.attempts() > 0, "{error}");
    (error.index().unwrap(), error.attempts())
}

#[test]
fn what_takes_longer_than_the_shutdown_timeout_is_aborted() {
    alone(|| {
        watched(|| {
            for cancels in [false, true] {
                each_way!(|start, way| {
                    let folder = Folder::new();
                    let (source, pulled) = counted(gated(3));
                    let run = start(source, folder.specs(1)).shutdown_timeout(LIMIT);
                    let mut run = run.start();
                    eventually("it stands at the gate", || folder.count("came") == 1);
                    let handle = run.cancel_handle();
                    if cancels {
                        // That waits for it, however long it takes.
                        handle.cancel();
                    }
                    handle.abort();
                    let results: Vec<Item> = run.by_ref().collect();
                    assert_eq!(results.len(), pulled.get(), "{way:?}");
                    let (done, lost): (Vec<_>, Vec<_>) =
                        results.into_iter().partition(Result::is_ok);
                    let mut done: Vec<_> = done.into_iter().map(number_of).collect();
                    done.sort_unstable();
                    assert_eq!(done, [0, 1, 2], "what is finished is yielded as it is: {way:?}");
                    for (index, attempts) in lost.into_iter().map(aborted) {
                        assert_eq!(attempts, usize::from(index == 3), "item {index}: {way:?}");
                    }
                    assert_eq!(run.ended(), Some(Ended::Aborted), "{way:?}");
                    assert_eq!(folder.count("passed"), 0, "{way:?}");
                    assert_eq!(children(std::process::id()), [], "{way:?}");
                    folder.open();
                });
            }
        });
    });
}

#[test]
fn what_is_in_progress_finishes_within_it() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let (source, pulled) = counted(gated(0));
            let mut run = start(source, folder.specs(2)).start();
            eventually("both stand at the gate", || folder.count("came") == 2);
            let handle = run.cancel_handle();
            let results: Vec<Item> = thread::scope(|scope| {
                scope.spawn(|| {
                    handle.abort();
                    settle();
                    folder.open();
                });
                run.by_ref().collect()
            });
            assert_eq!(results.len(), pulled.get(), "{way:?}");
            let (done, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
            assert_eq!(done.into_iter().map(number_of).count(), 2, "{way:?}");
            assert!(lost.into_iter().map(aborted).all(|(_, attempts)| attempts == 0), "{way:?}");
            assert_eq!((folder.count("came"), folder.count("passed")), (2, 2), "{way:?}");
            assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
        });
    });
}

#[test]
fn a_pool_can_be_used_afterwards() {
    alone(|| {
        watched(|| {
            let folder = Folder::new();
            let mut pool = Pool::new(folder.specs(2)).backend(Processes::new());
            let (source, pulled) = counted(gated(0));
            let mut map = pool.map(source).shutdown_timeout(LIMIT).start();
            eventually("both stand at the gate", || folder.count("came") == 2);
            map.cancel_handle().abort();
            let begun = map.by_ref().map(aborted).filter(|(_, attempts)| *attempts == 1);
            assert_eq!(begun.count(), 2);
            assert_eq!((map.ended(), map.stats().yielded), (Some(Ended::Aborted), pulled.get()));
            drop(map);
            folder.open();
            assert!(pool.map(gated(0)).map(number_of).eq(0..10));
        });
    });
}

#[test]
fn a_child_is_told_also_while_the_consumer_is_elsewhere() {
    alone(|| {
        watched(|| {
            let folder = Folder::new();
            let run = par_stateful(gated(0), folder.specs(1)).backend(Processes::new());
            let mut run = run.shutdown_timeout(LIMIT).start();
            eventually("it stands at the gate", || folder.count("came") == 1);
            run.cancel_handle().abort();
            eventually("it is killed", || children(std::process::id()).is_empty());
            assert!(run.by_ref().map(aborted).any(|item| item == (0, 1)));
        });
    });
}

#[test]
fn a_finish_that_hangs_ends_with_an_abort() {
    alone(|| {
        watched(|| {
            use mtask::prelude::*;

            let run = par_stateful(0..3, [super::puppet::Hangs::spec()]).with_summaries();
            let mut run = run.backend(Processes::new()).shutdown_timeout(LIMIT);
            let handle = run.cancel_handle();
            let aborter = thread::spawn(move || {
                settle();
                handle.abort();
            });
            // It comes to its end, and its worker does not.
            run.by_ref().for_each(drop);
            aborter.join().unwrap();
            let summaries = run.into_summaries();
            let [(0, Err(error))] = &summaries[..] else { panic!("{summaries:?}") };
            assert_eq!(error.kind(), TaskErrorKind::TimedOut, "{error}");
            assert_eq!(children(std::process::id()), []);
        });
    });
}
