//! The worker of the property test.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use mtask::BuildError;
use mtask::prelude::*;

use crate::mtasklite::outcome::{Answer, Fate};

#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) fate: Fate,
    /// How long its call sleeps, in microseconds.
    pub(super) sleep: u64,
    /// How long the source sleeps before it gives the item, in microseconds.
    pub(super) delay: u64,
}

/// How the attempts to build a worker end, one by one; after these all are well.
pub(super) type Builds = Vec<Build>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    Works,
    Fails,
    Panics,
}

/// A worker that does what its item says.
pub(super) struct Obedient;

impl Worker for Obedient {
    type Input = (usize, Item);
    type Output = Answer;

    fn call(&mut self, (position, item): (usize, Item)) -> Answer {
        pause(item.sleep);
        item.fate.befall(position)
    }
}

#[derive(Clone)]
pub(super) struct ObedientSpec {
    pub(super) builds: Builds,
    pub(super) attempts: Arc<AtomicUsize>,
}

impl Spec<Obedient> for ObedientSpec {
    fn build(&self) -> Result<Obedient, BuildError> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
        match self.builds.get(attempt) {
            Some(Build::Fails) => Err(BuildError::new("a failed build of a test")),
            Some(Build::Panics) => resume_unwind(Box::new("a panicking build of a test")),
            Some(Build::Works) | None => Ok(Obedient),
        }
    }
}

pub(super) fn pause(micros: u64) {
    if micros > 0 {
        sleep(Duration::from_micros(micros));
    }
}
