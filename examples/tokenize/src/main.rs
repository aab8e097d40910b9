//! Text to token ids: reads lines, tokenizes each in a worker that has a tokenizer of its own, and
//! writes the ids in input order.
//!
//! `README.md` beside this package says how to use it. A reader of the source starts at
//! `worker.rs` and `pipeline.rs`, where mtask is; the rest is reading and writing.

mod budget;
mod cli;
mod demo;
mod document;
mod durable;
mod field;
mod file_id;
mod files;
mod input;
mod interrupt;
mod job;
mod layout;
mod pipeline;
mod report;
mod resume_command;
mod run;
mod sink;
mod worker;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::interrupt::{Interrupted, Signals};

/// Half as fast again as the system's, with rows that one thread makes and another frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The output is complete, but for documents that failed.
const SOME_FAILED: u8 = 1;
/// The output is not complete; also clap's code for wrong usage.
const FAILED: u8 = 2;
/// 128 and the number of SIGPIPE: what a shell reports of `cat` in `cat FILE | head`.
const CLOSED_PIPE: u8 = 141;

fn main() -> ExitCode {
    worker::hide_panics_of_calls();
    let signals = Signals::ignored();
    mtask::init();
    // From here on this is no worker's process.
    let result = signals.map_err(anyhow::Error::new).and_then(|signals| {
        signals.end_at_once();
        run::run(&cli::Cli::parse(), &signals)
    });
    match result {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => SOME_FAILED.into(),
        Err(error) if is_closed_pipe(&error) => CLOSED_PIPE.into(),
        Err(error) => match error.downcast::<Interrupted>() {
            // The run has said so itself.
            Ok(interrupted) => interrupted.exit().into(),
            Err(error) => {
                report::say(&format!("error: {error:#}"));
                FAILED.into()
            }
        },
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
