//! 8. Dropping the iterator early cancels: nothing more is pulled, what is in hand finishes, and no
//!    thread and no process is left.

use std::thread;

use super::each_way;
use super::puppet::{Builds, Fate, number_of, well};
use crate::system::Folder;
use crate::util::{counted, eventually, settle, watched};

#[test]
fn nothing_more_is_pulled_after_a_drop() {
    watched(|| {
        for taken in [0, 1, 17] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let (source, pulled) = counted((0..).map(well));
                let mut results = start(source, folder.specs(3));
                assert_eq!(results.by_ref().take(taken).map(number_of).count(), taken);
                drop(results);
                let seen = pulled.get();
                settle();
                assert_eq!(pulled.get(), seen, "{way:?}");
                assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
            });
        }
    });
}

#[test]
fn the_item_in_hand_finishes_before_the_drop_returns() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..).map(|x| (x, if x == 0 { Fate::Well } else { Fate::Gate }));
            let mut results = start(items, folder.specs(3)).max_in_flight(10);
            assert_eq!(number_of(results.next().unwrap()), 0, "{way:?}");
            eventually("one stands at the gate", || folder.count("came") > 0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    settle();
                    folder.open();
                });
                drop(results);
            });
            let came = folder.count("came");
            assert_eq!(folder.count("passed"), came, "the drop did not wait: {way:?}");
            assert!(came <= 3, "only what was in hand is run: {way:?}");
            assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
        });
    });
}

#[test]
fn a_build_in_hand_finishes_before_the_drop_returns() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let specs = vec![folder.spec(0, Builds::Gate); 2];
            let results = start((0..).map(well), specs).start();
            eventually("one is being built", || folder.count("build") > 0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    settle();
                    folder.open();
                });
                drop(results);
            });
            assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
        });
    });
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_and_no_process_is_left() {
    use crate::system::children;
    use crate::util::process::{alone, threads, wait_for_threads};

    alone(|| {
        let before = threads();
        for taken in [0, 1, 40] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let mut results = start((0..).map(well), folder.specs(3)).start();
                assert_eq!(results.by_ref().take(taken).count(), taken);
                drop(results);
                assert_eq!(children(std::process::id()), [], "{way:?}");
                wait_for_threads(before);
            });
        }
    });
}
