//! What large items leave behind in memory.

use std::fs;

use mtask::Processes;
use mtask::prelude::*;

use crate::util::process::alone;
use crate::util::watched;

const LARGE: usize = 64 << 20;

/// How many bytes of memory this process has in use.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kib.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Gives back a text, and says how much memory its process has in use.
#[delayed_init(remote)]
fn echo(text: String) -> (String, usize) {
    (text, resident())
}

#[test]
fn of_a_large_item_nothing_stays() {
    alone(|| {
        watched(|| {
            let texts = (0..100).map(|at| "x".repeat(if at == 10 { LARGE } else { 10 }));
            let run = par_stateful(texts, [echo::spec()]).backend(Processes::new());
            let mut run = run.max_in_flight(1).start();
            for _ in 0..10 {
                run.next().unwrap().unwrap();
            }
            let ours = resident();
            let (large, theirs) = run.next().unwrap().unwrap();
            assert_eq!(large.len(), LARGE);
            drop(large);
            let (_, still_theirs) = run.by_ref().map(Result::unwrap).last().unwrap();
            assert!(resident() < ours + LARGE / 4, "{ours} bytes before, {} now", resident());
            assert!(still_theirs < theirs - LARGE / 2, "{theirs} bytes there, {still_theirs} now");
        });
    });
}
