//! Children that are killed at random: each item comes once, and nothing is left.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;

use crate::system::{Folder, children, descriptors, kill};
use crate::util::process::alone;
use crate::util::{Random, eventually, watched};

const ITEMS: usize = 20_000;

#[delayed_init(remote)]
fn twice(x: usize) -> usize {
    thread::sleep(Duration::from_micros(300));
    2 * x
}

/// Kills a child every so often.
struct Killer {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<u32>>,
}

impl Killer {
    fn start(every: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let (mut random, mut killed) = (Random::new(20), Vec::new());
            while !is_over.load(Ordering::SeqCst) {
                thread::sleep(every);
                let victims = children(process::id());
                if !victims.is_empty() {
                    let victim = victims[random.below(victims.len())].0;
                    kill(victim, Signal::KILL);
                    killed.push(victim);
                }
            }
            killed
        });
        Self { over, thread }
    }

    /// The processes that it has killed.
    fn stop(self) -> Vec<u32> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// Counts the items that were lost, of results that come in order.
fn lost(results: impl Iterator<Item = Result<usize, TaskError>>) -> Vec<usize> {
    let mut lost = Vec::new();
    for (index, result) in results.enumerate() {
        match result {
            Ok(output) => assert_eq!(output, 2 * index),
            Err(error) => {
                assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{error}");
                assert_eq!(error.index(), Some(index), "{error}");
                assert!(error.to_string().contains("signal: 9"), "{error}");
                lost.push(index);
            }
        }
    }
    lost
}

#[test]
fn every_item_comes_once_while_children_are_killed() {
    alone(|| {
        let before = descriptors().len();
        let killer = Killer::start(Duration::from_millis(20));
        let lost = watched(|| {
            let results = par_stateful(0..ITEMS, twice::spec().times(4)).backend(Processes::new());
            let mut count = 0;
            let lost = lost(results.inspect(|_| count += 1)).len();
            assert_eq!(count, ITEMS);
            lost
        });
        let kills = killer.stop().len();
        eprintln!("{kills} kills cost {lost} of {ITEMS} items");
        assert!(kills >= 20, "{kills} kills are no storm");
        assert!(lost <= kills, "{kills} kills cost {lost} items");
        assert_eq!(children(process::id()), [], "a child or a zombie is left");
        eventually("the descriptors are closed", || descriptors().len() <= before);
    });
}

/// Takes its time to be built, and leaves a file when it is.
struct Noted;

#[delayed_init(remote)]
impl Noted {
    fn new(folder: String) -> io::Result<Self> {
        thread::sleep(Duration::from_millis(50));
        File::create(format!("{folder}/{}", process::id()))?;
        Ok(Self)
    }

    fn call(&mut self, x: usize) -> usize {
        thread::sleep(Duration::from_millis(1));
        2 * x
    }
}

#[test]
fn a_kill_costs_the_item_that_it_hits_and_a_build_none() {
    alone(|| {
        let folder = Folder::new();
        let path = folder.path("");
        let (lost, killed, failed) = watched(move || {
            let specs = Noted::spec(path).times(6);
            let mut results = par_stateful(0..12_000, specs).backend(Processes::new());
            let first = results.next();
            let killer = Killer::start(Duration::from_millis(40));
            let lost = lost(first.into_iter().chain(results.by_ref()));
            assert_eq!(results.stats().retired, 0);
            (lost, killer.stop(), results.stats().failed_builds)
        });
        // Those that were at an item, or between two.
        let hits: BTreeSet<u32> = killed
            .iter()
            .copied()
            .filter(|pid| fs::exists(folder.path(&pid.to_string())).unwrap())
            .collect();
        let (kills, cost) = (killed.len(), lost.len());
        eprintln!("{kills} kills, {failed} of them in builds, cost {cost} items");
        assert!(failed > 0, "no kill hit a build");
        assert!(cost <= hits.len(), "{} kills hit a worker and cost {cost} items", hits.len());
    });
}
