//! 8. The limits of an end: what bounds an early one is not what bounds the end of a whole run.

use std::thread;
use std::time::Duration;

use mtask::{Processes, par_stateful};

use super::each_way;
use super::puppet::{Builds, Fate, number_of};
use crate::system::{Folder, children};
use crate::util::process::alone;
use crate::util::{eventually, settle, watched};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_drop_waits_no_longer_than_the_shutdown_timeout() {
    alone(|| {
        watched(|| {
            for builds in [Builds::Well, Builds::Gate] {
                each_way!(|start, way| {
                    let folder = Folder::new();
                    let item = if builds == Builds::Gate { Fate::Well } else { Fate::Gate };
                    let items = (0..9).map(move |x| (x, item.clone()));
                    let specs = vec![folder.spec(0, builds.clone()); 2];
                    let run =
                        start(items, specs).shutdown_timeout(Duration::from_millis(50)).start();
                    let came = if builds == Builds::Gate { "build" } else { "came" };
                    eventually("one is at the gate", || folder.count(came) > 0);
                    drop(run);
                    assert_eq!(folder.count("passed"), 0, "{way:?}");
                    assert_eq!(children(std::process::id()), [], "{way:?}");
                    // For the threads, which are left.
                    folder.open();
                    let gone = || folder.count("build") == folder.count("dropped");
                    eventually("they end", || way.start == "processes" || gone());
                });
            }
        });
    });
}

#[test]
fn processes_have_five_seconds_unless_set() {
    alone(|| {
        watched(|| {
            let folder = Folder::new();
            let items = (0..9).map(|x| (x, Fate::Gate));
            let run = par_stateful(items, folder.specs(2)).backend(Processes::new()).start();
            eventually("both are at the gate", || folder.count("came") == 2);
            drop(run);
            assert_eq!(children(std::process::id()), []);
            assert_eq!(folder.count("passed"), 0);
        });
    });
}

#[test]
fn the_backend_s_own_limit_comes_before_that_of_the_run() {
    alone(|| {
        watched(|| {
            let folder = Folder::new();
            let items = (0..9).map(|x| (x, Fate::Gate));
            let backend = Processes::new().shutdown_timeout(Duration::from_millis(50));
            let run = par_stateful(items, folder.specs(2)).backend(backend);
            let run = run.shutdown_timeout(HOUR).start();
            eventually("both are at the gate", || folder.count("came") == 2);
            drop(run);
            assert_eq!(children(std::process::id()), []);
        });
    });
}

#[test]
fn what_is_in_progress_at_a_cancel_is_not_bounded_by_the_shutdown_timeout() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..).map(|x| (x, if x == 3 { Fate::Gate } else { Fate::Well }));
            let run =
                start(items, folder.specs(1)).shutdown_timeout(Duration::from_millis(1)).start();
            eventually("one is at the gate", || folder.count("came") == 1);
            run.cancel_handle().cancel();
            let count = thread::scope(|scope| {
                scope.spawn(|| {
                    settle();
                    folder.open();
                });
                run.map(number_of).count()
            });
            assert!(count >= 4, "{way:?}");
            assert_eq!(folder.count("build"), folder.count("dropped"), "{way:?}");
        });
    });
}
