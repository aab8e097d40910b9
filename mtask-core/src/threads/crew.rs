//! The threads of a run, from their start to their last.

use std::io;
use std::mem;
use std::time::{Duration, Instant};

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use super::enter::{Loop, enter, run_loop};
use crate::sync::{Arc, Builder, Condvar, JoinHandle, Mutex, ScopedJoinHandle, lock, wait_timeout};

/// How long a thread that sits inside the source is waited for.
const SOURCE_GRACE: Duration = Duration::from_millis(10);

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

/// The threads of a run and who of them is still in its loop.
pub(super) struct Crew<H> {
    handles: Arc<Handles<H>>,
    roll: Arc<Roll>,
}

/// What the threads of a run are joined by.
///
/// Shared, so that a scope which is left can drop the handles of a run that was forgotten: std's
/// scope waits for a thread until its handle is gone too.
pub(super) struct Handles<H>(Mutex<Vec<H>>);

impl<H> Handles<H> {
    pub(super) fn take(&self) -> Vec<H> {
        mem::take(&mut lock(&self.0))
    }
}

/// Which loops have ended.
struct Roll {
    present: Mutex<Vec<bool>>,
    left: Condvar,
    /// Dropping it lets the threads go whose loops have ended; it joins nothing. The last loop to
    /// end drops it, so that the threads of a run which was forgotten end too, and what a worker
    /// has spawned in the pool finds it alive.
    pool: Mutex<Option<ThreadPool>>,
}

impl Roll {
    fn let_go(&self) {
        let pool = lock(&self.pool).take();
        drop(pool);
    }
}

/// Crosses a loop off the roll at its end.
struct Present {
    roll: Arc<Roll>,
    worker: usize,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut present = lock(&self.roll.present);
        present[self.worker] = false;
        if present.iter().all(|is| !is) {
            self.roll.let_go();
        }
        drop(present);
        self.roll.left.notify_all();
    }
}

impl<H: Handle> Crew<H> {
    /// Starts a thread for each loop, by `spawn`.
    ///
    /// # Errors
    ///
    /// The number of the first thread that could not be started, with the cause. Those started
    /// before it are in the crew, and have to be told to end before they are joined.
    pub(super) fn start<'a>(
        loops: Vec<Loop<'a>>,
        spawn: impl Fn(Builder, Loop<'a>) -> io::Result<H>,
    ) -> (Self, Result<(), (usize, io::Error)>) {
        let mut threads: Vec<ThreadBuilder> = Vec::with_capacity(loops.len());
        let pool = ThreadPoolBuilder::new()
            .num_threads(loops.len())
            .start_handler(|_| run_loop())
            .spawn_handler(|thread| {
                threads.push(thread);
                Ok(())
            })
            .build();
        let (pool, outcome) = match pool {
            Ok(pool) => (Some(pool), Ok(())),
            Err(error) => (None, Err((0, io::Error::other(error)))),
        };
        let roll = Arc::new(Roll {
            present: Mutex::new(vec![true; loops.len()]),
            left: Condvar::new(),
            pool: Mutex::new(pool),
        });
        // All are on the roll before the first can leave. One that is not started leaves it when
        // its place is dropped.
        let places: Vec<Present> =
            (0..loops.len()).map(|worker| Present { roll: Arc::clone(&roll), worker }).collect();
        let crew = Self { handles: Arc::new(Handles(Mutex::new(Vec::new()))), roll };
        if outcome.is_err() {
            return (crew, outcome);
        }
        for (present, (work, thread)) in places.into_iter().zip(loops.into_iter().zip(threads)) {
            let worker = present.worker;
            let body = Box::new(move || {
                enter(
                    thread,
                    Box::new(move || {
                        let _present = present;
                        work();
                    }),
                );
            });
            let builder = Builder::new().name(format!("mtask-{worker}"));
            match spawn(builder, body) {
                Ok(handle) => lock(&crew.handles.0).push(handle),
                Err(error) => return (crew, Err((worker, error))),
            }
        }
        (crew, Ok(()))
    }

    pub(super) fn handles(&self) -> &Arc<Handles<H>> {
        &self.handles
    }

    /// Joins the threads of a run that has been told to end.
    ///
    /// All are waited for, but at most for `timeout`, and a last one that is inside the source
    /// for [`SOURCE_GRACE`] alone. A thread that is not there by then is left to end by itself.
    pub(super) fn join(self, timeout: Option<Duration>, is_in_source: impl Fn() -> bool) {
        let start = Instant::now();
        let mut present = lock(&self.roll.present);
        loop {
            let count = present.iter().filter(|&&is| is).count();
            let limit = match timeout {
                _ if count == 0 => break,
                // The one that is left is the one inside: nobody goes in any more.
                Some(timeout) if count == 1 && is_in_source() => Some(timeout.min(SOURCE_GRACE)),
                None if count == 1 && is_in_source() => Some(SOURCE_GRACE),
                timeout => timeout,
            };
            let left = limit.map(|limit| limit.saturating_sub(start.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            present = wait_timeout(&self.roll.left, present, left);
        }
        let still_there = present.clone();
        drop(present);
        self.roll.let_go();
        for (handle, still_there) in self.handles.take().into_iter().zip(still_there) {
            if !still_there {
                handle.join();
            }
        }
    }
}
