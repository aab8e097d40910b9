//! Running a loop as a thread of a rayon pool.

use std::cell::Cell;

use rayon::ThreadBuilder;

use crate::sync::thread_local;

/// What a worker's thread does: it ends when the run does.
pub(crate) type Loop<'a> = Box<dyn FnOnce() + Send + 'a>;

thread_local! {
    /// The loop that this thread is about to run, for the pool's start handler to find.
    static NEXT: Cell<Option<Loop<'static>>> = const { Cell::new(None) };
}

/// Runs `thread` of a pool whose start handler is [`run_loop`], with `work` as its loop.
///
/// A loop has to run inside the pool's thread, so that rayon code called by a worker stays in the
/// pool, and the start handler is the one place for it: a loop sent to the pool as a job might be
/// found late, by a thread that already waits inside another worker's job.
#[allow(unsafe_code, reason = "rayon asks for a 'static start handler, and a scoped loop borrows")]
pub(super) fn enter(thread: ThreadBuilder, work: Loop<'_>) {
    /// Empties the place also when `run` unwinds, so that a loop which was never started is
    /// dropped while what it borrows is alive.
    struct Empty;
    impl Drop for Empty {
        fn drop(&mut self) {
            drop(NEXT.take());
        }
    }
    let _empty = Empty;
    // SAFETY: only the lifetime changes. The loop is put into a thread-local of this thread, which
    // nothing but `run_loop` on this same thread and `Empty` take from, and both are done with it
    // when this function returns or unwinds. `work` is alive until then, since the caller gave it
    // with a lifetime that outlives the call.
    let work = unsafe { std::mem::transmute::<Loop<'_>, Loop<'static>>(work) };
    NEXT.set(Some(work));
    thread.run();
}

/// The start handler: runs this thread's loop to its end.
pub(super) fn run_loop() {
    if let Some(work) = NEXT.take() {
        work();
    }
}
