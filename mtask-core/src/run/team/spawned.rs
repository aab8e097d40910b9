//! Panics in jobs that a worker has spawned into its rayon pool.

use std::any::Any;

use crate::error::{PanicPayload, drop_caught};
use crate::observe::stats::Counters;
use crate::observe::trace::{self, Scope};
use crate::sync::{Arc, Mutex, lock};

/// Where the panics of jobs go that nobody waits for, as of `rayon::spawn`. Without a handler rayon
/// aborts the process for one.
#[derive(Clone)]
pub(crate) struct SpawnedPanics(Arc<Mutex<Option<Of>>>);

/// The run that they are counted and traced for.
#[derive(Clone)]
struct Of {
    counters: Arc<Counters>,
    trace: Scope,
}

impl SpawnedPanics {
    /// Of threads that work at no run as yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    pub(crate) fn of(counters: &Arc<Counters>, trace: &Scope) -> Self {
        let panics = Self::new();
        panics.begin(counters, trace);
        panics
    }

    /// From here on the threads work at this run.
    pub(crate) fn begin(&self, counters: &Arc<Counters>, trace: &Scope) {
        self.set(Some(Of { counters: Arc::clone(counters), trace: trace.clone() }));
    }

    /// From here on they work at none, whose span is to be closed.
    pub(crate) fn end(&self) {
        self.set(None);
    }

    fn set(&self, of: Option<Of>) {
        let before = std::mem::replace(&mut *lock(&self.0), of);
        // Not under the lock: a subscriber is code of the user's.
        drop(before);
    }

    /// Does not unwind, which rayon would answer by aborting.
    pub(crate) fn note(&self, payload: Box<dyn Any + Send>) {
        let of = lock(&self.0).clone();
        if let Some(Of { counters, trace }) = of {
            Counters::count(&counters.spawned_panics);
            trace.enter(|| trace::spawned_job_panicked(PanicPayload::text(&*payload)));
        }
        drop_caught(payload);
    }
}
