//! What a child and its own children inherit.

use std::process;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;

use crate::system::{Folder, children, descriptors, kill};
use crate::util::process::alone;
use crate::worker::{Answer, Build, Obedient, Order};

fn is_socket(link: &str) -> bool {
    link.starts_with("socket:")
}

#[test]
fn a_child_has_its_own_alone() {
    alone(|| {
        let kept = std::fs::File::open("/proc/self/status").unwrap();
        let orders = (0..20).map(|_| Order::Descriptors);
        let specs = Obedient::spec(Build::Well).times(3);
        let mut results = par_stateful(orders, specs).backend(Processes::new()).build_now();
        let first = results.next().unwrap().unwrap();
        let ours = descriptors();
        for answer in results.map(Result::unwrap).chain([first]) {
            let Answer::Descriptors(theirs) = answer else { panic!("no list: {answer:?}") };
            assert_eq!(theirs[0], (0, "/dev/null".to_owned()));
            let sockets = || theirs.iter().map(|(_, link)| link).filter(|link| is_socket(link));
            // That of frames, and the lifeline.
            assert_eq!(sockets().count(), 2, "{theirs:?}");
            for socket in sockets() {
                assert!(ours.iter().all(|(_, link)| link != socket), "{socket} is the parent's");
            }
            // What the test itself was started with may be there too.
            let kept = format!("/proc/{}/status", process::id());
            assert!(ours.iter().any(|(_, link)| *link == kept));
            assert!(theirs.iter().all(|(_, link)| *link != kept), "{theirs:?}");
        }
        drop(kept);
    });
}

#[test]
fn a_grandchild_has_the_standard_ones_alone() {
    let script = "for fd in /proc/$$/fd/*; do readlink $fd; done";
    let orders = [Order::Shell(script.to_owned())];
    let mut results = par_stateful(orders, [Obedient::spec(Build::Well)]).backend(Processes::new());
    let answer = results.next().unwrap().unwrap();
    let Answer::Text(Some(links)) = answer else { panic!("no text: {answer:?}") };
    assert_eq!(links.lines().next(), Some("/dev/null"));
    assert!(!links.lines().any(is_socket), "{links}");
}

#[test]
fn a_grandchild_that_outlives_its_worker_keeps_nobody_waiting() {
    alone(|| outlived("setsid sleep 600 & echo $! >", Order::Detached));
}

#[test]
fn nor_does_one_that_has_the_sockets_of_its_worker() {
    alone(|| outlived("exec 3<&0; setsid sleep 600 & echo $! >", Order::Lend));
}

/// A worker starts a script and ends, while what the script has started goes on.
fn outlived(script: &str, order: impl FnOnce(String) -> Order) {
    let folder = Folder::new();
    let first = order(format!("{script} {}", folder.path("pid")));
    let orders = [first, Order::Exit(3), Order::Double(4)];
    let specs = [Obedient::spec(Build::Well)];
    let results: Vec<_> = par_stateful(orders, specs).backend(Processes::new()).collect();
    assert_eq!(results[1].as_ref().unwrap_err().kind(), TaskErrorKind::WorkerLost);
    assert_eq!(results[2].as_ref().unwrap(), &Answer::Number(8));
    assert_eq!(children(process::id()), []);
    kill(folder.wait_for("pid").trim().parse().unwrap(), Signal::KILL);
}
