//! A library that crashes on some inputs, in processes: each crash costs one item.

use std::time::Duration;

use mtask::prelude::*;

/// A parser as a C library might be: without checks, and with a state that is not thread-safe.
struct Parser {
    parsed: usize,
}

#[delayed_init(remote)]
impl Parser {
    fn new() -> Self {
        Self { parsed: 0 }
    }

    fn call(&mut self, document: &str) -> usize {
        self.parsed += 1;
        match document {
            "surprise" => panic!("no document looks like this"),
            "corrupt" => std::process::abort(), // as an assertion in C would
            "endless" => loop {
                std::hint::spin_loop();
            },
            document => document.len(),
        }
    }
}

fn main() {
    mtask::init(); // in a child it does not return

    let documents = (0..1_000).map(|n| match n {
        125 => "surprise".to_owned(),
        250 => "corrupt".to_owned(),
        500 => "endless".to_owned(),
        n => "x".repeat(n % 80),
    });
    let backend = Processes::new()
        .task_timeout(Duration::from_secs(1))
        .max_restarts(16, Duration::from_secs(60));
    let (mut parsed, mut failed) = (0, Vec::new());
    for length in par_stateful(documents, Parser::spec().times(2)).backend(backend) {
        match length {
            Ok(_) => parsed += 1,
            Err(error) => {
                println!("{error}");
                failed.push((error.index(), error.kind()));
            }
        }
    }
    println!("{parsed} documents were parsed");
    assert_eq!(parsed, 997);
    // Where panics abort, one ends the process as anything else does.
    let panicked =
        if cfg!(panic = "abort") { TaskErrorKind::WorkerLost } else { TaskErrorKind::Panicked };
    let lost = TaskErrorKind::WorkerLost;
    let timed_out = TaskErrorKind::TimedOut;
    assert_eq!(failed, [(Some(125), panicked), (Some(250), lost), (Some(500), timed_out)]);
}
