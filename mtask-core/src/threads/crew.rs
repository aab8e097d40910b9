//! The threads of a run, from their start to their last.

use std::io;
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

/// The threads of a run: a rayon pool, the loops on it, and who is still in one.
pub(super) struct Crew<H> {
    /// Dropping it lets a thread go whose loop has ended; it joins nothing.
    pool: Option<ThreadPool>,
    handles: Vec<H>,
    roll: Arc<Roll>,
}

/// Which loops have ended.
struct Roll {
    present: Mutex<Vec<bool>>,
    left: Condvar,
}

/// Crosses a loop off the roll at its end.
struct Present {
    roll: Arc<Roll>,
    worker: usize,
}

impl Drop for Present {
    fn drop(&mut self) {
        lock(&self.roll.present)[self.worker] = false;
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
        let roll = Arc::new(Roll { present: Mutex::new(Vec::new()), left: Condvar::new() });
        let mut crew = Self { pool: None, handles: Vec::new(), roll };
        let mut threads: Vec<ThreadBuilder> = Vec::with_capacity(loops.len());
        let pool = ThreadPoolBuilder::new()
            .num_threads(loops.len())
            .start_handler(|_| run_loop())
            .spawn_handler(|thread| {
                threads.push(thread);
                Ok(())
            })
            .build();
        match pool {
            Ok(pool) => crew.pool = Some(pool),
            Err(error) => return (crew, Err((0, io::Error::other(error)))),
        }
        for (worker, (work, thread)) in loops.into_iter().zip(threads).enumerate() {
            lock(&crew.roll.present).push(true);
            let present = Present { roll: Arc::clone(&crew.roll), worker };
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
                Ok(handle) => crew.handles.push(handle),
                Err(error) => return (crew, Err((worker, error))),
            }
        }
        (crew, Ok(()))
    }

    /// Joins the threads of a run that has been told to end.
    ///
    /// All are waited for, but at most for `timeout`, and a last one that is inside the source
    /// for [`SOURCE_GRACE`] alone. A thread that is not there by then is left to end by itself.
    pub(super) fn join(mut self, timeout: Option<Duration>, is_in_source: impl Fn() -> bool) {
        drop(self.pool.take());
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
        for (handle, still_there) in self.handles.into_iter().zip(still_there) {
            if !still_there {
                handle.join();
            }
        }
    }
}
