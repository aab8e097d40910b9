//! A run that is dropped by one of its own workers: nobody waits for themselves, and all ends.

use std::any::Any;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use mtask::{Pool, Spec, init_fn, par_map, par_stateful, par_stateful_local, worker_fn};

use crate::util::{Count, Token, eventually, watched};

/// Where a run is put, for its worker to drop.
#[derive(Clone)]
struct Slot {
    run: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
    dropped: Sender<()>,
    /// Everything that the run has is counted by a clone of this.
    alive: Token,
}

impl Slot {
    /// Drops the run that is in here, which is to come if it is not there yet.
    fn drop_run(&self) {
        eventually("the run is in its slot, or was dropped", || {
            self.run.try_lock().is_ok_and(|run| run.is_some())
        });
        let run = self.run.lock().unwrap().take();
        drop(run);
        self.dropped.send(()).unwrap();
    }
}

/// Starts a run that drops itself by [`Slot::drop_run`], and waits for that and for all that it has.
fn drops_itself<R: Send + 'static>(start: impl FnOnce(Slot) -> R + Send + 'static) {
    watched(|| {
        let alive = Count::default();
        let (dropped, was_dropped) = channel();
        let slot = Slot { run: Arc::default(), dropped, alive: alive.token() };
        let place = Arc::clone(&slot.run);
        let run = start(slot);
        *place.lock().unwrap() = Some(Box::new(run));
        was_dropped.recv().expect("the run is dropped");
        eventually("nothing of the run is left", || alive.get() == 0);
    });
}

/// A worker that drops its run at item 0.
fn call(slot: Slot) -> impl FnMut(u32) -> Token + Clone + Send + 'static {
    move |x| {
        if x == 0 {
            slot.drop_run();
        }
        slot.alive.clone()
    }
}

#[test]
fn in_a_call() {
    for workers in [1, 3] {
        drops_itself(move |slot| par_stateful(0.., worker_fn(call(slot)).times(workers)).start());
        drops_itself(move |slot| {
            par_stateful_local(0.., worker_fn(call(slot)).times(workers)).start()
        });
        drops_itself(move |mut slot| {
            // A map borrows its pool, which therefore outlives it: for ever, and its specs too.
            slot.alive = Count::default().token();
            let pool = Pool::new(worker_fn(call(slot)).times(workers));
            Box::leak(Box::new(pool)).map(0..).start()
        });
    }
}

#[cfg(feature = "stream")]
#[test]
fn in_a_call_over_a_stream() {
    use futures_util::{FutureExt, StreamExt, stream};

    drops_itself(|slot| {
        let specs = worker_fn(call(slot)).times(2);
        let mut run = mtask::par_stateful_stream(stream::iter(0..), specs);
        assert!(run.next().now_or_never().is_none());
        run
    });
}

#[test]
fn in_a_build() {
    drops_itself(|slot| {
        let spec = init_fn(move || {
            slot.drop_run();
            Ok::<_, String>(|x: u32| x)
        });
        par_stateful(0.., spec.times(1)).start()
    });
}

#[test]
fn in_the_destructor_of_a_worker() {
    struct Last(Slot);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.drop_run();
        }
    }
    drops_itself(|slot| {
        let spec = init_fn(move || {
            let last = Last(slot.clone());
            Ok::<_, String>(move |x: u32| {
                let _last = &last;
                x
            })
        });
        par_stateful(0..1, spec.times(1)).start()
    });
}

#[test]
fn in_the_source() {
    drops_itself(|slot| {
        let source = (0..).inspect(move |&x: &u32| {
            if x == 3 {
                slot.drop_run();
            }
        });
        par_map(source, 2, |x: u32| x).start()
    });
}

#[test]
fn in_a_job_of_the_pool() {
    drops_itself(|slot| {
        let call = move |x: u32| {
            if x == 0 {
                rayon::join(|| slot.drop_run(), || ());
            }
            slot.alive.clone()
        };
        par_map(0.., 2, call).start()
    });
}

#[test]
fn by_the_worker_of_a_run_within_a_worker() {
    drops_itself(|slot| {
        let call = move |x: u32| {
            let inner = call(slot.clone());
            par_map([x], 1, inner).propagate_panics().count()
        };
        par_map(0.., 1, call).start()
    });
}

#[test]
fn by_the_worker_of_an_earlier_stage() {
    drops_itself(|slot| {
        let first = par_map(0.., 2, call(slot)).map(Result::unwrap);
        par_map(first, 2, |token: Token| token).start()
    });
}
