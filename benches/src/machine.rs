//! The machine: what it is, and whether it is idle.

use std::fs;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// How long the load is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Ticks of 10 ms on 50 ms and two cores: one of ten is the least that can be seen.
const BUSY: f64 = 0.11;

/// Waits for an idle machine, but not for ever; says whether it became so.
pub(crate) fn wait_until_idle(patience: Duration) -> bool {
    let start = Instant::now();
    loop {
        if load() <= BUSY {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
    }
}

/// The share of all processor time that something took.
fn load() -> f64 {
    let before = ticks();
    sleep(LOOK);
    let after = ticks();
    let all = after.1.saturating_sub(before.1);
    if all == 0 { 0.0 } else { after.0.saturating_sub(before.0) as f64 / all as f64 }
}

/// The busy ticks of all processors since boot, and all of their ticks.
fn ticks() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        // Guests are counted in user time already.
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    let all = fields.iter().sum();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    (all - idle, all)
}

/// What the figures were measured on, as lines of Markdown.
pub(crate) fn description(rounds: usize, busy: usize, measurements: usize) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let quiet = if busy == 0 {
        "none of them on a machine that was busy at its start".to_owned()
    } else {
        format!("**{busy} of them on a machine that was busy at their start**")
    };
    format!(
        "- processor: {}, {cores} cores\n- kernel: {}\n- compiler: {}\n- date: {}\n\
         - {rounds} rounds at the most, {measurements} measurements, {quiet}\n",
        field("/proc/cpuinfo", "model name"),
        said(Command::new("uname").arg("-sr")),
        said(Command::new("rustc").arg("--version")),
        said(Command::new("date").arg("--iso-8601")),
    )
}

fn field(path: &str, name: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .find(|line| line.starts_with(name))
        .and_then(|line| line.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

fn said(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
