//! Frames of many items: what is run again where one of them ends the process.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;

use mtask::Processes;
use mtask::prelude::*;

use crate::system::Folder;
use crate::util::watched;

const ITEMS: usize = 5_000;
const GUILTY: usize = 3_000;

/// Notes each item that is run.
struct Notes(fs::File);

#[delayed_init(remote)]
impl Notes {
    fn new(path: &str) -> std::io::Result<Self> {
        Ok(Self(OpenOptions::new().append(true).create(true).open(path)?))
    }

    fn call(&mut self, x: usize) -> usize {
        // In one write, since others append too.
        self.0.write_all(format!("{x}\n").as_bytes()).unwrap();
        if x == GUILTY {
            std::process::abort();
        }
        x
    }
}

#[test]
fn only_the_guilty_item_errs_and_only_its_frame_is_run_again() {
    watched(|| {
        for workers in [1, 2] {
            let folder = Folder::new();
            let path = folder.path("notes");
            let specs = Notes::spec(&path).times(workers);
            let results = par_stateful(0..ITEMS, specs).backend(Processes::new());
            for (index, result) in results.enumerate() {
                match result {
                    Ok(x) => assert_eq!(x, index),
                    Err(error) => {
                        assert_eq!(error.index(), Some(GUILTY), "{error}");
                        assert_eq!(index, GUILTY);
                    }
                }
            }
            let mut runs = BTreeMap::new();
            for line in fs::read_to_string(path).unwrap().lines() {
                *runs.entry(line.parse::<usize>().unwrap()).or_insert(0) += 1;
            }
            assert!(runs.keys().copied().eq(0..ITEMS), "each was run");
            assert!(runs.values().all(|&runs| runs <= 2));
            // A frame has no more than 1,024 items, and nothing behind the guilty one had been begun.
            let again: Vec<_> =
                runs.iter().filter(|&(_, &runs)| runs > 1).map(|(&x, _)| x).collect();
            assert!(again.len() <= 1_024, "{} items were run again", again.len());
            assert!(again.iter().all(|&x| x <= GUILTY), "{again:?}");
        }
    });
}
