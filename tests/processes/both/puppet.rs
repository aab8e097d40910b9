//! A worker that does what its items say, and notes what it does.

use std::fs::{self, File};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use mtask::prelude::*;
use serde::{Deserialize, Serialize};

use crate::system::Folder;

/// What is to become of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Fate {
    Well,
    Fail,
    Panic,
    /// Well, after so many microseconds.
    Slow(u64),
    /// Well, when the folder's gate is open.
    Gate,
}

/// Which builds come to nothing, by their number in the folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Builds {
    Well,
    /// The first so many.
    FailFirst(usize),
    PanicFirst(usize),
    /// All but each third.
    FailTwice,
    /// Well, when the folder's gate is open.
    Gate,
}

pub(super) struct Puppet {
    folder: String,
    id: usize,
    build: usize,
    calls: usize,
}

/// What a worker tells of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) x: usize,
    /// The worker's own argument.
    pub(super) id: usize,
    /// Which build of all it is of, and how many items it has had.
    pub(super) build: usize,
    pub(super) calls: usize,
    /// Where it was run: the process and the thread.
    pub(super) home: (u32, String),
}

#[delayed_init(remote)]
impl Puppet {
    pub(super) fn new(folder: &str, id: usize, builds: Builds) -> Result<Self, String> {
        let build = number(folder, "build");
        match builds {
            Builds::FailFirst(count) if build < count => Err(format!("no device {build}")),
            Builds::PanicFirst(count) if build < count => panic!("build {build} breaks"),
            Builds::FailTwice if build % 3 < 2 => Err(format!("no device {build}")),
            Builds::Gate => {
                pass(folder);
                Ok(Self { folder: folder.to_owned(), id, build, calls: 0 })
            }
            _ => Ok(Self { folder: folder.to_owned(), id, build, calls: 0 }),
        }
    }

    pub(super) fn call(&mut self, x: usize, fate: Fate) -> Result<Told, String> {
        self.calls += 1;
        match fate {
            Fate::Well => {}
            Fate::Fail => return Err(format!("item {x} fails")),
            Fate::Panic => panic!("item {x} panics"),
            Fate::Slow(us) => thread::sleep(Duration::from_micros(us)),
            Fate::Gate => {
                number(&self.folder, "came");
                pass(&self.folder);
                number(&self.folder, "passed");
            }
        }
        let home = (process::id(), format!("{:?}", thread::current().id()));
        Ok(Told { x, id: self.id, build: self.build, calls: self.calls, home })
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        number(&self.folder, "dropped");
    }
}

/// Adds a note of this name to a folder; gives how many there were.
fn number(folder: &str, name: &str) -> usize {
    let is_new = |n: &usize| File::create_new(format!("{folder}/{name}.{n}")).is_ok();
    (0..).find(is_new).expect("there is no end of numbers")
}

/// Waits until the folder's gate is open; panics where that never happens.
fn pass(folder: &str) {
    let start = Instant::now();
    while !fs::exists(format!("{folder}/open")).unwrap() {
        assert!(start.elapsed() < Duration::from_secs(30), "the gate was never opened");
        thread::sleep(Duration::from_millis(1));
    }
}

impl Folder {
    pub(super) fn open(&self) {
        File::create(self.path("open")).unwrap();
    }

    /// How many notes there are of this name.
    pub(super) fn count(&self, name: &str) -> usize {
        (0..).take_while(|n| fs::exists(self.path(&format!("{name}.{n}"))).unwrap()).count()
    }

    /// A spec of a worker that leaves its notes here.
    pub(super) fn spec(&self, id: usize, builds: Builds) -> PuppetSpec {
        Puppet::spec(&self.path(""), id, builds)
    }

    /// So many of them.
    pub(super) fn specs(&self, count: usize) -> Vec<PuppetSpec> {
        (0..count).map(|id| self.spec(id, Builds::Well)).collect()
    }
}

/// An item that goes well.
pub(super) fn well(x: usize) -> (usize, Fate) {
    (x, Fate::Well)
}

/// The number in an item that went well.
pub(super) fn number_of(result: Result<Result<Told, String>, TaskError>) -> usize {
    result.unwrap().unwrap().x
}

/// Never comes to the end of its `finish`.
pub(super) struct Hangs;

#[delayed_init(remote)]
impl Hangs {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn call(&mut self, x: u64) -> u64 {
        x
    }

    pub(super) fn finish(self) {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }
}
