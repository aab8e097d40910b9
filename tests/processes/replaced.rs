//! A program whose file is replaced while it runs.

use std::fs;
use std::process::{Command, Stdio};

use mtask::Processes;
use mtask::prelude::*;

use crate::system::Folder;
use crate::util::watched;
use crate::worker::{Answer, Build, Obedient, Order};

/// Tells the program that it is the one whose file is replaced.
const REPLACED: &str = "MTASK_TEST_REPLACED";

#[test]
fn its_children_are_started_all_the_same() {
    watched(|| {
        if std::env::var_os(REPLACED).is_some() {
            return replaced();
        }
        let folder = Folder::new();
        let copy = folder.path("program");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let test = "replaced::its_children_are_started_all_the_same";
        let status = Command::new(copy)
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(REPLACED, "1")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    });
}

fn replaced() {
    let orders = [Order::Double(1), Order::Abort, Order::Double(2), Order::Abort, Order::Double(3)];
    let specs = [Obedient::spec(Build::Well)];
    let mut results = par_stateful(orders, specs).backend(Processes::new()).max_in_flight(1);
    assert_eq!(results.next().unwrap().unwrap(), Answer::Number(2));
    let own = std::env::current_exe().unwrap();
    fs::remove_file(&own).unwrap();
    assert!(results.next().unwrap().is_err());
    assert_eq!(results.next().unwrap().unwrap(), Answer::Number(4), "its file is gone");
    fs::write(&own, "another program").unwrap();
    assert!(results.next().unwrap().is_err());
    assert_eq!(results.next().unwrap().unwrap(), Answer::Number(6), "another one is in its place");
}
