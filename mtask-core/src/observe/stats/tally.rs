//! The counters behind [`Stats`].

use std::time::{Duration, Instant};

use super::{Stats, WorkerState, WorkerStats};
use crate::sync::{AtomicU8, AtomicU64, AtomicUsize, Ordering, Padded};

/// The counters of a run: each written by any of its threads, read by any other, none of them ordering
/// anything else, so that every access is relaxed.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) builds: AtomicUsize,
    pub(crate) failed_builds: AtomicUsize,
    pub(crate) retired: AtomicUsize,
    pub(crate) panics: AtomicUsize,
    pub(crate) destructor_panics: AtomicUsize,
    pub(crate) spawned_panics: AtomicUsize,
    pub(crate) unclean_ends: AtomicUsize,
    /// The clock's zero.
    start: Instant,
    workers: Box<[Padded<Tally>]>,
}

/// The counters of one worker, all written by its own thread but for `errors`, to which the consumer adds
/// what it finds in an output.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    items: AtomicUsize,
    errors: AtomicUsize,
    retries: AtomicUsize,
    builds: AtomicUsize,
    /// In nanoseconds, these six.
    building: AtomicU64,
    working: AtomicU64,
    pulling: AtomicU64,
    awaiting_input: AtomicU64,
    awaiting_room: AtomicU64,
    awaiting_retry: AtomicU64,
    /// A [`WorkerState`].
    state: AtomicU8,
    /// Since when, in nanoseconds from the start.
    since: AtomicU64,
    /// Which attempt at its item it is at, where there may be more than one.
    attempt: AtomicUsize,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Adds to a counter that one thread writes: a load and a store will do.
fn add(counter: &AtomicU64, time: Duration) {
    counter.store(counter.load(Ordering::Relaxed) + nanos(time), Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            builds: AtomicUsize::new(0),
            failed_builds: AtomicUsize::new(0),
            retired: AtomicUsize::new(0),
            panics: AtomicUsize::new(0),
            destructor_panics: AtomicUsize::new(0),
            spawned_panics: AtomicUsize::new(0),
            unclean_ends: AtomicUsize::new(0),
            start: Instant::now(),
            workers: (0..workers).map(|_| Padded(Tally::default())).collect(),
        }
    }

    pub(crate) fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn worker(&self, number: usize) -> &Tally {
        &self.workers[number].0
    }

    /// Notes what a worker begins with at `now`.
    pub(crate) fn enter(&self, number: usize, state: WorkerState, now: Instant) {
        let tally = self.worker(number);
        tally.since.store(nanos(now.saturating_duration_since(self.start)), Ordering::Relaxed);
        tally.state.store(state as u8, Ordering::Relaxed);
    }

    /// Counts a build that came to something.
    pub(crate) fn built(&self, number: usize) {
        Self::count(&self.builds);
        Self::count(&self.worker(number).builds);
    }

    /// All of it at this moment, as far as it is counted here.
    pub(crate) fn snapshot(&self) -> Stats {
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let workers: Vec<_> =
            self.workers.iter().map(|tally| tally.0.snapshot(self.start)).collect();
        Stats {
            builds: read(&self.builds),
            failed_builds: read(&self.failed_builds),
            retired: read(&self.retired),
            panics: read(&self.panics),
            destructor_panics: read(&self.destructor_panics),
            spawned_panics: read(&self.spawned_panics),
            unclean_ends: read(&self.unclean_ends),
            retries: workers.iter().map(|worker| worker.retries).sum(),
            workers,
            ..Stats::default()
        }
    }
}

impl Tally {
    /// Adds items that the worker is through with, and what they took, builds and pauses left out.
    pub(crate) fn ran(&self, items: usize, took: Duration) {
        self.items.fetch_add(items, Ordering::Relaxed);
        add(&self.working, took);
    }

    pub(crate) fn failed(&self) {
        Counters::count(&self.errors);
    }

    /// Counts an attempt after the first.
    pub(crate) fn retried(&self) {
        Counters::count(&self.retries);
    }

    /// Notes which attempt at its item the worker is at, where there may be more than one.
    pub(crate) fn at_attempt(&self, attempt: usize) {
        self.attempt.store(attempt, Ordering::Relaxed);
    }

    /// How often the worker has begun the item that it is at.
    pub(crate) fn begun(&self) -> usize {
        if self.state.load(Ordering::Relaxed) == WorkerState::Building as u8 {
            return self.attempt.load(Ordering::Relaxed).saturating_sub(1);
        }
        self.attempt.load(Ordering::Relaxed).max(1)
    }

    /// Adds what the worker slept before such an attempt.
    pub(crate) fn awaited_retry(&self, took: Duration) {
        add(&self.awaiting_retry, took);
    }

    /// How long it has slept before attempts so far.
    pub(crate) fn awaiting_retry(&self) -> Duration {
        Duration::from_nanos(self.awaiting_retry.load(Ordering::Relaxed))
    }

    pub(crate) fn spent_building(&self, took: Duration) {
        add(&self.building, took);
    }

    /// How long it has been built for so far.
    pub(crate) fn building(&self) -> Duration {
        Duration::from_nanos(self.building.load(Ordering::Relaxed))
    }

    /// Adds what a claim took: of it so much asleep for want of items, and so much for want of room.
    pub(crate) fn claimed(&self, took: Duration, input: Duration, room: Duration) {
        add(&self.awaiting_input, input);
        add(&self.awaiting_room, room);
        add(&self.pulling, took.saturating_sub(input + room));
    }

    fn snapshot(&self, start: Instant) -> WorkerStats {
        let time = |counter: &AtomicU64| Duration::from_nanos(counter.load(Ordering::Relaxed));
        let state = match self.state.load(Ordering::Relaxed) {
            state if state == WorkerState::Building as u8 => WorkerState::Building,
            state if state == WorkerState::Working as u8 => WorkerState::Working,
            state if state == WorkerState::Waiting as u8 => WorkerState::Waiting,
            _ => WorkerState::Idle,
        };
        WorkerStats {
            items: self.items.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            restarts: self.builds.load(Ordering::Relaxed).saturating_sub(1),
            building: time(&self.building),
            working: time(&self.working),
            pulling: time(&self.pulling),
            awaiting_input: time(&self.awaiting_input),
            awaiting_room: time(&self.awaiting_room),
            awaiting_retry: time(&self.awaiting_retry),
            state,
            since: start.elapsed().saturating_sub(time(&self.since)),
        }
    }
}
