//! A long run that Ctrl-C ends in order, and that can be taken up where it ended.
//!
//! ```sh
//! cargo run --example resume -- --to 1000 --millis 50 > steps.txt             # and Ctrl-C
//! cargo run --example resume -- --to 1000 --millis 50 --from 37 >> steps.txt  # as it said
//! ```
//!
//! The first Ctrl-C ends the source: what was pulled is finished and written. The second ends the
//! program, whatever it is at.

use std::error::Error;
use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::time::Duration;
use std::{env, thread};

use mtask::prelude::*;

/// As shells have it for a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// How many steps it takes from a number to 1: half of it, or three times and one more.
fn collatz(mut n: u64) -> u64 {
    let mut steps = 0;
    while n > 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

struct Asked {
    from: u64,
    to: u64,
    millis: u64,
}

impl Asked {
    fn new(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut asked = Self { from: 0, to: 20, millis: 1 };
        while let Some(name) = arguments.next() {
            let field = match name.as_str() {
                "--from" => &mut asked.from,
                "--to" => &mut asked.to,
                "--millis" => &mut asked.millis,
                _ => return Err("usage: resume [--from N] [--to N] [--millis N]".into()),
            };
            let number = arguments.next().unwrap_or_default();
            *field = number.parse().map_err(|error| format!("{name} {number:?}: {error}"))?;
        }
        Ok(asked)
    }
}

/// Writes a line for each number, in order, and counts `next` up: every number before it is written. Gives how the run
/// ended.
fn run(
    asked: &Asked,
    next: &mut u64,
    out: &mut impl Write,
) -> Result<Option<Ended>, Box<dyn Error>> {
    let pause = Duration::from_millis(asked.millis);
    let slow = move |n| {
        thread::sleep(pause);
        collatz(n)
    };
    // The window is what an end in order has to wait for.
    let mut results = par_map(asked.from..asked.to, 2, slow).max_in_flight(8);

    let handle = results.cancel_handle();
    // Called by a thread that waits for the signal, and so free to do what a signal handler is not.
    ctrlc::set_handler(move || {
        if handle.is_cancelled() {
            process::exit(INTERRUPTED);
        }
        handle.cancel();
        eprintln!("ending in order; Ctrl-C once more ends at once");
    })?;
    eprintln!("from {} to {}; Ctrl-C ends it in order", asked.from, asked.to);

    for steps in results.by_ref() {
        writeln!(out, "{next} {}", steps?)?;
        *next += 1;
    }
    out.flush()?;
    Ok(results.ended())
}

/// The program, and its exit code: 0 only if all is done.
pub(crate) fn program(arguments: impl Iterator<Item = String>, out: &mut impl Write) -> u8 {
    let asked = match Asked::new(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("{error}");
            return 2;
        }
    };
    let mut next = asked.from;
    let ended = run(&asked, &mut next, out);
    if let Err(error) = &ended {
        eprintln!("{error:#}");
    }
    let is_complete = matches!(ended, Ok(Some(Ended::Complete)));
    if !is_complete {
        // After an error as after Ctrl-C.
        eprintln!("resume with --from {next}");
    }
    u8::from(!is_complete)
}

fn main() -> ExitCode {
    // Each line is flushed at its end, so that whole lines are left by an end at once and by an error.
    program(env::args().skip(1), &mut io::stdout().lock()).into()
}
