//! One measurement in a process of its own, so that the memory, the threads and the hangs of a peer
//! stay there.

use std::fs;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::process::of_status;
use crate::scenarios::{Params, Scenario};

/// What came of a measurement.
#[derive(Clone)]
pub(crate) enum Outcome {
    Measured(Figures),
    /// The results are not those of the sequential loop.
    Wrong(String),
    NeverReturns(String),
    /// The process died by a signal.
    Aborts(String),
    /// The process ended by itself, without figures.
    Fails(String),
}

/// How often a child is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Runs one measurement.
pub(crate) fn run(peer: &str, params: &Params) -> io::Result<Outcome> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--child", params.case.name, peer])
        .args([params.items.to_string(), params.turns_per_us.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The panics that a scenario is about would fill the terminal.
        .stderr(Stdio::null())
        .spawn()?;
    watch(child, params.case.scenario())
}

/// Waits for the child's end, or ends it.
fn watch(mut child: Child, scenario: &Scenario) -> io::Result<Outcome> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            // One line fits into the pipe, so that the child never waits for its reader.
            let mut output = String::new();
            if let Some(mut stdout) = child.stdout.take() {
                stdout.read_to_string(&mut output)?;
            }
            return Ok(outcome(status, &output));
        }
        if start.elapsed() > Duration::from_secs(scenario.seconds) {
            return stop(child, format!("within {} s", scenario.seconds));
        }
        if resident_gib(&child) > scenario.gib {
            return stop(child, format!("within {} GiB", scenario.gib));
        }
        sleep(LOOK);
    }
}

fn stop(mut child: Child, limit: String) -> io::Result<Outcome> {
    child.kill()?;
    child.wait()?;
    Ok(Outcome::NeverReturns(limit))
}

fn resident_gib(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    of_status(&status, "VmRSS").unwrap_or(0.0) / 1024.0
}

fn outcome(status: ExitStatus, output: &str) -> Outcome {
    if let Some(signal) = status.signal() {
        return Outcome::Aborts(format!("signal {signal}"));
    }
    match Figures::of_output(output) {
        Some(figures) if status.success() => match figures.wrong {
            Some(wrong) => Outcome::Wrong(wrong),
            None => Outcome::Measured(figures),
        },
        _ => Outcome::Fails(status.to_string()),
    }
}
