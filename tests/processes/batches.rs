//! Frames of many items: what is run again where one of them ends the process.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::thread;
use std::time::Duration;

use mtask::prelude::*;
use mtask::{Context, Processes};
use serde::{Deserialize, Serialize};

use crate::system::Folder;
use crate::util::watched;

const ITEMS: usize = 5_000;
const GUILTY: usize = 3_000;
/// More than fits into a socket, so that a frame is still being sent while the one before it is run.
const LARGE: usize = 300_000;

/// How often each item was run, by the notes that were taken of that.
fn runs(path: &str) -> BTreeMap<usize, usize> {
    let mut runs = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        *runs.entry(line.parse().unwrap()).or_insert(0) += 1;
    }
    runs
}

/// Tells how often its process has written so far.
struct Writes;

#[delayed_init(remote)]
impl Writes {
    fn new() -> Self {
        Self
    }

    fn call(&mut self, last: bool) -> Option<usize> {
        last.then(|| {
            let io = fs::read_to_string("/proc/self/io").unwrap();
            let writes = io.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap();
            writes.parse().unwrap()
        })
    }
}

#[test]
fn one_worker_a_lifespan_and_retries_have_frames_of_many_items_too() {
    watched(|| {
        for workers in [1, 2] {
            for which in ["plain", "lifespan", "retries"] {
                let items = (1..=20_000).map(|count| count == 20_000);
                let run = par_stateful(items, Writes::spec().times(workers));
                let run = run.backend(Processes::new());
                let run = match which {
                    "lifespan" => run.lifespan(1_000_000),
                    "retries" => run.retries(2),
                    _ => run,
                };
                let writes = run.map(Result::unwrap).last().unwrap().unwrap();
                assert!(writes < 5_000, "{which}: {writes} frames of results, {workers} workers");
            }
        }
    });
}

/// Notes each item that is run and its process.
struct Sequence(fs::File);

#[delayed_init(remote)]
impl Sequence {
    fn new(path: &str) -> std::io::Result<Self> {
        Ok(Self(OpenOptions::new().append(true).create(true).open(path)?))
    }

    fn call(&mut self, x: usize) -> usize {
        self.0.write_all(format!("{} {x}\n", std::process::id()).as_bytes()).unwrap();
        if x % 400 == 399 {
            std::process::abort();
        }
        x
    }
}

#[test]
fn a_worker_that_is_the_only_one_has_its_items_in_their_order() {
    watched(|| {
        for lifespan in [None, Some(150)] {
            let folder = Folder::new();
            let path = folder.path("notes");
            let run = par_stateful(0..3_000, [Sequence::spec(&path)]).backend(Processes::new());
            let run = match lifespan {
                Some(items) => run.lifespan(items),
                None => run,
            };
            for (at, result) in run.enumerate() {
                assert_eq!(
                    result.map_err(|error| error.index()),
                    if at % 400 == 399 { Err(Some(at)) } else { Ok(at) }
                );
            }
            let mut last = None;
            let mut lives = BTreeMap::new();
            for line in fs::read_to_string(path).unwrap().lines() {
                let (pid, x) = line.split_once(' ').unwrap();
                let x: usize = x.parse().unwrap();
                *lives.entry(pid.to_owned()).or_insert(0) += 1;
                match last {
                    Some((before, behind)) if before == pid => assert_eq!(x, behind + 1),
                    // What another process has begun may be run again, and nothing is left out.
                    Some((_, behind)) => assert!(x <= behind + 1, "{x} after {behind}"),
                    None => assert_eq!(x, 0),
                }
                last = Some((pid.to_owned(), x));
            }
            assert_eq!(last.unwrap().1, 2_999);
            assert!(lives.len() > 3_000 / lifespan.unwrap_or(400));
            assert!(lives.values().all(|&items| items <= lifespan.unwrap_or(3_000)), "{lives:?}");
        }
    });
}

/// Panics at some items the first time.
struct Once {
    seen: usize,
}

#[delayed_init(remote)]
impl Once {
    fn new() -> Self {
        Self { seen: 0 }
    }

    fn call(&mut self, x: usize, context: &Context<'_>) -> (usize, usize) {
        self.seen += 1;
        assert!(x % 50 != 7 || context.attempt() > 1, "not yet");
        (x, context.attempt())
    }
}

#[test]
fn of_a_frame_only_what_has_failed_is_tried_again() {
    watched(|| {
        for workers in [1, 2] {
            let run = par_stateful(0..5_000, Once::spec().times(workers));
            let mut run = run.backend(Processes::new()).retries(1);
            for (at, result) in run.by_ref().enumerate() {
                assert_eq!(result.unwrap(), (at, if at % 50 == 7 { 2 } else { 1 }));
            }
            assert_eq!((run.stats().retries, run.stats().panics), (100, 100));
        }
    });
}

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
            let runs = runs(&path);
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

/// An item that takes more than a frame has room for, and may end its process.
#[derive(Clone, Serialize, Deserialize)]
struct Large {
    at: usize,
    guilty: bool,
    padding: String,
}

/// Notes each item that is run, and dies of some.
struct Victim(fs::File);

#[delayed_init(remote)]
impl Victim {
    fn new(path: &str) -> std::io::Result<Self> {
        Ok(Self(OpenOptions::new().append(true).create(true).open(path)?))
    }

    fn call(&mut self, item: Large) -> usize {
        self.0.write_all(format!("{}\n", item.at).as_bytes()).unwrap();
        if item.guilty {
            // The next frame is on its way, and part of it in the socket.
            thread::sleep(Duration::from_millis(10));
            std::process::abort();
        }
        item.at
    }
}

#[test]
fn an_item_alone_in_its_frame_is_run_once() {
    watched(|| {
        let folder = Folder::new();
        let path = folder.path("notes");
        let is_guilty = |at: usize| at % 20 == 19;
        let items =
            (0..500).map(move |at| Large { at, guilty: is_guilty(at), padding: "x".repeat(LARGE) });
        let results = par_stateful(items, Victim::spec(&path).times(2)).backend(Processes::new());
        for (at, result) in results.enumerate() {
            match result {
                Ok(told) => assert!(told == at && !is_guilty(at)),
                Err(error) => assert!(is_guilty(at) && error.index() == Some(at), "{error}"),
            }
        }
        let runs = runs(&path);
        assert!(runs.keys().copied().eq(0..500), "each was run");
        let again: Vec<_> = runs.iter().filter(|&(_, &runs)| runs > 1).collect();
        assert!(again.is_empty(), "{again:?}");
    });
}

/// Waits at an item until its file is there.
struct Waits(String);

#[delayed_init(remote)]
impl Waits {
    fn new(path: String) -> Self {
        Self(path)
    }

    fn call(&mut self, waits: bool) {
        while waits && !fs::exists(&self.0).unwrap() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn what_is_answered_waits_for_nothing_behind_it_in_its_frame() {
    watched(|| {
        for workers in [1, 2] {
            let folder = Folder::new();
            let path = folder.path("seen");
            let items = (0..4_000).map(|at| at == 3_000);
            let specs = Waits::spec(path.clone()).times(workers);
            for (at, result) in par_stateful(items, specs).backend(Processes::new()).enumerate() {
                result.unwrap();
                if at == 2_999 {
                    fs::write(&path, "2999").unwrap();
                }
            }
        }
    });
}
