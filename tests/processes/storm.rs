//! Children that are killed at random: each item comes once, and nothing is left.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mtask::Processes;
use mtask::prelude::*;
use rustix::process::Signal;

use crate::system::{children, descriptors, kill};
use crate::util::process::alone;
use crate::util::{Random, eventually, watched};

const ITEMS: usize = 20_000;

#[delayed_init(remote)]
fn twice(x: usize) -> usize {
    thread::sleep(Duration::from_micros(300));
    2 * x
}

#[test]
fn every_item_comes_once_while_children_are_killed() {
    alone(|| {
        let before = descriptors().len();
        let (over, kills) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let killer = {
            let (over, kills) = (Arc::clone(&over), Arc::clone(&kills));
            thread::spawn(move || {
                let mut random = Random::new(20);
                while !over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                    let victims = children(process::id());
                    if !victims.is_empty() {
                        kill(victims[random.below(victims.len())].0, Signal::KILL);
                        kills.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        };
        let lost = watched(|| {
            let results = par_stateful(0..ITEMS, twice::spec().times(4)).backend(Processes::new());
            let mut lost = 0;
            let mut count = 0;
            for (index, result) in results.enumerate() {
                count += 1;
                match result {
                    Ok(output) => assert_eq!(output, 2 * index),
                    Err(error) => {
                        assert_eq!(error.kind(), TaskErrorKind::WorkerLost, "{error}");
                        assert_eq!(error.index(), Some(index), "{error}");
                        assert!(error.to_string().contains("signal: 9"), "{error}");
                        lost += 1;
                    }
                }
            }
            assert_eq!(count, ITEMS);
            lost
        });
        over.store(true, Ordering::SeqCst);
        killer.join().unwrap();
        let kills = kills.load(Ordering::SeqCst);
        eprintln!("{kills} kills cost {lost} of {ITEMS} items");
        assert!(kills >= 20, "{kills} kills are no storm");
        assert!(lost <= kills, "{kills} kills cost {lost} items");
        assert_eq!(children(process::id()), [], "a child or a zombie is left");
        eventually("the descriptors are closed", || descriptors().len() <= before);
    });
}
