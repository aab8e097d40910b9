//! The threads of a run, from their start to their last.

pub(crate) mod enter;
pub(crate) mod membership;
mod settings;
pub(crate) mod spawned;

use std::io;
use std::time::Instant;

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use enter::{Loop, enter, run_loop};
use membership::Membership;
pub(crate) use settings::ThreadSettings;
pub(crate) use spawned::SpawnedPanics;

use super::exit::{End, SOURCE_GRACE};
use crate::sync::{Arc, Builder, Condvar, JoinHandle, Mutex, MutexGuard, ScopedJoinHandle, lock};

/// A thread that can be joined.
pub trait Handle {
    /// Waits for its end.
    fn join(self);
}

impl Handle for JoinHandle<()> {
    fn join(self) {
        // A loop does not unwind, so that there is no payload to lose.
        let _ = self.join();
    }
}

impl Handle for ScopedJoinHandle<'_, ()> {
    fn join(self) {
        let _ = self.join();
    }
}

/// What works at a run, seen from its consumer.
pub trait Hands {
    /// Waits for the work of a run that has been told to end.
    ///
    /// All are waited for, but at most for as long as the end may take, and those that are stuck for a few
    /// milliseconds alone. What is not there by then is left to end by itself; gives the numbers of workers
    /// that are left so and leave nothing.
    fn join(self, end: &End<'_>) -> Vec<usize>;
}

/// The threads of a run.
#[derive(Debug)]
pub struct Crew<H> {
    handles: Arc<Handles<H>>,
    roll: Arc<Roll>,
}

/// The handles of a crew. Shared with the scope that the threads are in, if any: a scope waits for
/// every handle to be dropped, and a crew may be forgotten.
pub(crate) type Handles<H> = Mutex<Vec<H>>;

/// How the start of a crew went: the number of the first thread that could not be started, with the
/// cause, where there is one.
pub(crate) type Started = Result<(), (usize, io::Error)>;

/// Where the threads are, and the rayon pool that they make up.
#[derive(Debug)]
struct Roll {
    whereabouts: Mutex<Vec<Whereabouts>>,
    changed: Condvar,
    /// Dropping it lets the threads go; it joins nothing. The last loop to end does it: no sooner,
    /// because rayon aborts where a call in hand spawns into a pool that has ended; and without
    /// the consumer, who may have forgotten the run.
    pool: Mutex<Option<ThreadPool>>,
    membership: Membership,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whereabouts {
    /// In its loop, or on the way there.
    InLoop,
    /// Out of its loop and at the pool's disposal: it may be running a rayon job of a worker that
    /// is still in its own.
    InPool,
    /// Out of the pool.
    Gone,
}

/// Notes that a thread has come out of its loop.
struct OutOfLoop(Arc<Roll>, usize);

impl Drop for OutOfLoop {
    fn drop(&mut self) {
        let whereabouts = self.0.note(self.1, Whereabouts::InPool);
        let is_last = !whereabouts.contains(&Whereabouts::InLoop);
        drop(whereabouts);
        if is_last {
            self.0.let_go();
        }
    }
}

/// Notes that a thread has come out of the pool, or was never started.
struct Gone(Arc<Roll>, usize);

impl Drop for Gone {
    fn drop(&mut self) {
        drop(self.0.note(self.1, Whereabouts::Gone));
    }
}

impl Roll {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            whereabouts: Mutex::new(vec![Whereabouts::InLoop; workers]),
            changed: Condvar::new(),
            pool: Mutex::new(None),
            membership: Membership::new(),
        })
    }

    /// Starts a thread for each loop, by `spawn`; a function without type parameters, so that rayon is not
    /// compiled again for each run of a program.
    fn start<'a>(
        self: &Arc<Self>,
        threads: ThreadSettings,
        loops: Vec<Loop<'a>>,
        spawned_panics: SpawnedPanics,
        spawn: &dyn Fn(Builder, Loop<'a>) -> io::Result<()>,
    ) -> Started {
        let mut seats: Vec<ThreadBuilder> = Vec::with_capacity(loops.len());
        let pool = ThreadPoolBuilder::new()
            .num_threads(loops.len())
            .start_handler(|_| run_loop())
            .panic_handler(move |payload| spawned_panics.note(payload))
            .spawn_handler(|thread| {
                seats.push(thread);
                Ok(())
            })
            .build();
        let mut outcome = match pool {
            // Rayon has a most number of threads, and makes no more than that.
            Ok(_) if seats.len() < loops.len() => {
                let most = seats.len();
                Err((most, io::Error::other(format!("a rayon pool has at most {most} threads"))))
            }
            Ok(pool) => {
                *lock(&self.pool) = Some(pool);
                Ok(())
            }
            Err(error) => Err((0, io::Error::other(error))),
        };
        let mut seats = seats.into_iter();
        for (worker, work) in loops.into_iter().enumerate() {
            let gone = Gone(Arc::clone(self), worker);
            let (Ok(()), Some(thread)) = (&outcome, seats.next()) else { continue };
            let out_of_loop = OutOfLoop(Arc::clone(self), worker);
            let membership = self.membership.clone();
            let body = Box::new(move || {
                let _gone = gone;
                membership.enter();
                enter(
                    thread,
                    Box::new(move || {
                        let _out_of_loop = out_of_loop;
                        threads.settle(worker);
                        work();
                    }),
                );
            });
            let started = spawn(threads.builder().name(format!("mtask-{worker}")), body);
            outcome = started.map_err(|error| (worker, error));
        }
        outcome
    }

    fn note(&self, worker: usize, now: Whereabouts) -> MutexGuard<'_, Vec<Whereabouts>> {
        let mut whereabouts = lock(&self.whereabouts);
        // A thread that is never started may note its two steps in any order.
        whereabouts[worker] = whereabouts[worker].max(now);
        self.changed.notify_all();
        whereabouts
    }

    fn let_go(&self) {
        let pool = lock(&self.pool).take();
        drop(pool);
    }

    /// Waits until no thread is at such a place, or for as long as the end may take.
    fn wait_until_none(&self, place: Whereabouts, end: &End<'_>, start: Instant) {
        end.wait(start, (&self.whereabouts, &self.changed), |whereabouts| {
            those_at(place, whereabouts)
        });
    }
}

impl<H: Handle> Crew<H> {
    /// Starts a thread for each loop, by `spawn`.
    ///
    /// # Errors
    ///
    /// The number of the first thread that could not be started, with the cause. Those started
    /// before it are in the crew, and have to be told to end before they are joined.
    pub(crate) fn start<'a>(
        threads: ThreadSettings,
        loops: Vec<Loop<'a>>,
        spawned_panics: SpawnedPanics,
        spawn: &dyn Fn(Builder, Loop<'a>) -> io::Result<H>,
    ) -> (Self, Started) {
        let roll = Roll::new(loops.len());
        let handles: Arc<Handles<H>> = Arc::default();
        let outcome = roll.start(threads, loops, spawned_panics, &|builder, body| {
            lock(&handles).push(spawn(builder, body)?);
            Ok(())
        });
        (Self { handles, roll }, outcome)
    }

    /// Who the threads are.
    pub(crate) fn membership(&self) -> &Membership {
        &self.roll.membership
    }

    /// The handles of those not joined yet.
    pub(crate) fn handles(&self) -> &Arc<Handles<H>> {
        &self.handles
    }
}

impl<H: Handle> Hands for Crew<H> {
    fn join(self, end: &End<'_>) -> Vec<usize> {
        if self.roll.membership.includes_this_thread() {
            // The run is dropped by its own worker. Its threads end by themselves.
            return Vec::new();
        }
        let start = Instant::now();
        self.roll.wait_until_none(Whereabouts::InLoop, end, start);
        // For those that can be joined although one is left.
        self.roll.let_go();
        let left = those_at(Whereabouts::InLoop, &lock(&self.roll.whereabouts));
        // What a thread in the pool still runs may be a job of the one that is left.
        let timeout =
            if left.is_empty() { end.timeout } else { end.timeout.or(Some(SOURCE_GRACE)) };
        let end = End { timeout, is_stuck: &|_| false, report: &|_| (), ..*end };
        self.roll.wait_until_none(Whereabouts::InPool, &end, start);

        let whereabouts = lock(&self.roll.whereabouts).clone();
        let handles = std::mem::take(&mut *lock(&self.handles));
        for (handle, is) in handles.into_iter().zip(whereabouts) {
            if is == Whereabouts::Gone {
                handle.join();
            }
        }
        left
    }
}

/// The numbers of the threads at such a place.
fn those_at(place: Whereabouts, whereabouts: &[Whereabouts]) -> Vec<usize> {
    whereabouts
        .iter()
        .enumerate()
        .filter(|(_, is)| **is == place)
        .map(|(number, _)| number)
        .collect()
}
