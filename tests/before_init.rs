//! What a program does in `main` before it comes to `mtask::init()`, which all of its children do too.

use std::io::Read;
use std::time::Duration;
use std::{env, process, thread};

use mtask::Processes;
use mtask::prelude::*;

/// Tells a child what it is to do first.
const FIRST: &str = "MTASK_TEST_FIRST";
/// Longer than anything here takes.
const FOREVER: Duration = Duration::from_secs(600);

struct Length {
    text: String,
}

#[delayed_init(remote)]
impl Length {
    fn new(text: String) -> Self {
        Self { text }
    }

    fn call(&mut self, x: usize) -> usize {
        self.text.len() + x
    }
}

fn main() {
    if let Ok(first) = env::var(FIRST) {
        before_init(&first);
    }
    mtask::init();
    thread::spawn(|| {
        thread::sleep(FOREVER / 10);
        eprintln!("the tests hang");
        process::exit(1);
    });
    what_is_printed_or_read_there_disturbs_nothing();
    an_exit_there_is_an_error_that_names_init();
    a_child_that_never_comes_to_it_is_an_error_that_names_init();
    an_early_end_does_not_wait_for_a_child_that_reads_nothing();
}

fn before_init(first: &str) {
    match first {
        // More than a socket holds.
        "print" => println!("{}", "not a frame ".repeat(100_000)),
        "read" => {
            let mut text = String::new();
            assert_eq!(std::io::stdin().read_to_string(&mut text).unwrap(), 0, "{text}");
        }
        "exit" => process::exit(2),
        "hang" => thread::sleep(FOREVER),
        other => panic!("{other} is not known"),
    }
}

fn that(first: &'static str) -> Processes {
    Processes::new().env(move |_| [(FIRST, first)])
}

fn what_is_printed_or_read_there_disturbs_nothing() {
    for first in ["print", "read"] {
        let specs = Length::spec("four".to_owned()).times(2);
        let results = par_stateful(0..9, specs).backend(that(first));
        assert!(results.map(Result::unwrap).eq(4..13), "{first}");
    }
}

/// The error of the first item, with its causes.
fn error_of(backend: Processes) -> String {
    let specs = [Length::spec(String::new())];
    let mut results = par_stateful(0..9, specs).backend(backend);
    let error = results.next().unwrap().unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", cause.unwrap_or_default())
}

fn an_exit_there_is_an_error_that_names_init() {
    let error = error_of(that("exit"));
    assert!(error.contains("exit status: 2"), "{error}");
    assert!(error.contains("`mtask::init()`"), "{error}");
    assert!(error.contains("the first line of `main`"), "{error}");
}

fn a_child_that_never_comes_to_it_is_an_error_that_names_init() {
    let error = error_of(that("hang").start_timeout(Duration::from_millis(100)));
    assert!(error.contains("`mtask::init()` within 100ms"), "{error}");
    assert!(error.contains("the first line of `main`"), "{error}");
    assert!(error.contains("`Processes::start_timeout`"), "{error}");
}

fn an_early_end_does_not_wait_for_a_child_that_reads_nothing() {
    let specs = [Length::spec("x".repeat(1 << 20))];
    let backend = that("hang").start_timeout(FOREVER).shutdown_timeout(Duration::from_millis(100));
    let results = par_stateful(0..9, specs).backend(backend).start();
    thread::sleep(Duration::from_millis(100));
    drop(results);
}
