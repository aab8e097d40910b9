//! Each way for a worker to fail costs the items that it should, and the rest arrive in order.

use std::time::Duration;

use mtask::prelude::*;
use mtask::{BuildError, Processes};

use crate::worker::{Answer, Build, Obedient, Order};

const AT: usize = 300;

/// Runs 500 items over two workers, one of which is `order`, and gives what became of it; all the
/// others have to come, in order.
fn with(order: &Order, backend: Processes) -> Result<Answer, TaskError> {
    let order = order.clone();
    let items =
        (0..500).map(move |i| if i == AT { order.clone() } else { Order::Double(i as u64) });
    let specs = Obedient::spec(Build::Well).times(2);
    let mut found = None;
    let results: Vec<_> = par_stateful(items, specs).backend(backend).collect();
    assert_eq!(results.len(), 500);
    for (index, result) in results.into_iter().enumerate() {
        if index == AT {
            found = Some(result);
        } else {
            assert_eq!(result.unwrap(), Answer::Number(2 * index as u64), "item {index}");
        }
    }
    found.unwrap()
}

fn error_of(order: &Order, backend: Processes) -> TaskError {
    let error = with(order, backend).unwrap_err();
    assert_eq!(error.index(), Some(AT));
    assert!(error.worker().is_some());
    error
}

fn lost(order: &Order, told: &str) {
    let error = error_of(order, Processes::new());
    assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{error}");
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn a_segmentation_fault() {
    lost(&Order::Fault, "signal: 11");
}

#[test]
fn an_abort() {
    lost(&Order::Abort, "signal: 6");
}

#[test]
fn a_stack_overflow() {
    lost(&Order::Overflow, "signal: 6");
}

#[test]
fn an_exit() {
    lost(&Order::Exit(7), "exit status: 7");
    lost(&Order::Exit(0), "exit status: 0");
}

#[test]
fn a_kill() {
    lost(&Order::Signal(9), "signal: 9");
}

#[test]
fn out_of_memory() {
    let backend = Processes::new().memory_limit(1 << 30);
    let error = error_of(&Order::Allocate(2 << 30), backend.clone());
    assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{error}");
    let cause = "the likely cause is its memory limit of 1073741824 bytes, set by `Processes::memory_limit`";
    assert!(error.to_string().contains(cause), "{error}");
    // That is not what ends every process that has one.
    let error = error_of(&Order::Exit(1), backend);
    assert!(error.to_string().ends_with("exit status: 1"), "{error}");
}

#[test]
fn a_panic() {
    let error = error_of(&Order::Panic, Processes::new());
    assert_eq!(error.kind(), TaskErrorKind::Panicked);
    assert_eq!(error.panic_message(), Some("as asked"));
}

#[test]
fn a_task_that_takes_too_long() {
    let backend = Processes::new().task_timeout(Duration::from_millis(500));
    let error = error_of(&Order::Sleep(Duration::from_secs(60)), backend);
    assert_eq!(error.kind(), TaskErrorKind::TimedOut, "{error}");
}

#[test]
fn an_output_that_cannot_be_encoded() {
    let error = error_of(&Order::Unencodable, Processes::new());
    assert_eq!(error.kind(), TaskErrorKind::NotSent, "{error}");
    assert!(error.to_string().contains("cannot be encoded"), "{error}");
}

#[test]
fn an_output_over_the_limit() {
    let backend = Processes::new().max_frame(1 << 20);
    let error = error_of(&Order::Large(2 << 20), backend);
    assert_eq!(error.kind(), TaskErrorKind::NotSent, "{error}");
    assert_eq!(
        with(&Order::Large(2 << 20), Processes::new()).unwrap(),
        Answer::Bytes(vec![7; 2 << 20])
    );
}

#[test]
fn a_worker_that_closes_its_descriptors() {
    lost(&Order::CloseAll, "a kill by mtask, since it had closed its socket and did not end");
}

#[test]
fn a_worker_that_prints() {
    assert_eq!(with(&Order::Print, Processes::new()).unwrap(), Answer::Number(0));
}

#[test]
fn a_build_that_fails() {
    for build in [Build::Fail("no device".to_owned()), Build::Panic, Build::Abort] {
        let results =
            par_stateful((0..5).map(Order::Double), Obedient::spec(build.clone()).times(2))
                .backend(Processes::new());
        let errors: Vec<_> = results.map(Result::unwrap_err).collect();
        for (index, error) in errors.iter().enumerate() {
            assert!(error.index().is_none_or(|it| it == index), "{build:?}");
            assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft, "{build:?}: {error}");
        }
    }
}

#[test]
fn a_build_that_takes_too_long() {
    let specs = Obedient::spec(Build::Sleep(Duration::from_secs(60))).times(1);
    let backend = Processes::new().build_timeout(Duration::from_millis(300));
    let mut results = par_stateful((0..2).map(Order::Double), specs).backend(backend);
    let error = results.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft);
    let said = "took longer than 300ms to be built";
    assert!(format!("{error:#}").contains(said), "{error:#}");
}

#[test]
fn each_worker_has_an_environment_of_its_own() {
    let items = (0..20).map(|_| Order::Env("MTASK_TEST_DEVICE".to_owned()));
    let backend = Processes::new().env(|worker| [("MTASK_TEST_DEVICE", worker.to_string())]);
    let specs = Obedient::spec(Build::Well).times(2);
    let seen: Vec<_> = par_stateful(items, specs).backend(backend).map(Result::unwrap).collect();
    assert!(seen.iter().all(|answer| {
        [Some("0"), Some("1")]
            .into_iter()
            .any(|device| *answer == Answer::Text(device.map(str::to_owned)))
    }));
}

#[test]
fn a_spec_with_a_reason() {
    let error = Obedient::spec(Build::Fail("no device".to_owned())).build().err().unwrap();
    assert_eq!(BuildError::to_string(&error), "no device");
}

#[test]
fn a_panic_where_an_environment_is_made_is_a_failed_build() {
    let backend = Processes::new()
        .env(|worker| -> [(&str, &str); 0] { panic!("worker {worker} has no device") });
    let specs = [Obedient::spec(Build::Well)];
    let mut results = par_stateful((0..2).map(Order::Double), specs).backend(backend);
    let error = results.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.index()), (TaskErrorKind::NoWorkerLeft, Some(0)));
    let text = format!("{error:#}");
    assert!(text.contains("`.env(..)` panicked: worker 0 has no device"), "{text}");
}

#[test]
fn a_panic_in_an_error_of_a_build_is_a_failed_build() {
    let specs = [BuildsBadly::spec()];
    let mut results = par_stateful(0..2, specs).backend(Processes::new());
    let error = results.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.index()), (TaskErrorKind::NoWorkerLeft, Some(0)));
    assert!(format!("{error:#}").contains("its build panicked: no words for it"), "{error:#}");
}

struct BuildsBadly;

#[delayed_init(remote)]
impl BuildsBadly {
    fn new() -> Result<Self, Unspeakable> {
        Err(Unspeakable)
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words for it")
    }
}

impl std::error::Error for Unspeakable {}
