//! 14. The consumer may move to another thread between items, also when the worker is `!Send`.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use mtask::{ParStateful, Spec, Worker, init_fn, par_stateful, par_stateful_local};

use crate::util::{Count, each_way, watched};

/// A spec of workers that cannot be sent.
macro_rules! homebody {
    ($alive:expr) => {{
        let alive = $alive.clone();
        init_fn(move || {
            let (own, seen) = (alive.token(), Rc::new(Cell::new(0)));
            Ok::<_, String>(move |x: usize| {
                let _ = &own;
                seen.set(seen.get() + 1);
                x
            })
        })
    }};
}

#[test]
fn the_handle_is_send_whatever_the_worker_is() {
    /// A worker and an output that differ only in being no one else's.
    struct Pinned(#[expect(dead_code, reason = "it is there to be `!Send`")] Rc<()>);
    impl Worker for Pinned {
        type Input = u32;
        type Output = u32;

        fn call(&mut self, x: u32) -> u32 {
            x
        }
    }
    #[derive(Clone)]
    struct PinnedSpec;
    impl Spec<Pinned> for PinnedSpec {
        fn build(&self) -> Result<Pinned, mtask::BuildError> {
            Ok(Pinned(Rc::new(())))
        }
    }

    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let results: ParStateful<_, _, Pinned> =
        assert_send(par_stateful(0..3u32, PinnedSpec.times(2)));
    assert_eq!(assert_send(results.start()).count(), 3);
    assert_eq!(assert_send(par_stateful_local(0..3u32, PinnedSpec.times(2))).count(), 3);
    let results = par_stateful(0..3u32, PinnedSpec.times(2));
    assert_eq!(assert_send(results.propagate_panics()).count(), 3);
    let results = par_stateful(0..3u32, PinnedSpec.times(2));
    assert_eq!(assert_send(results.stop_on_error()).count(), 3);
    let results = par_stateful(0..3u32, PinnedSpec.times(2));
    assert_eq!(assert_send(results.defer_errors()).count(), 3);
    mtask::scope(|s| {
        let results = assert_send(s.par_stateful(0..3u32, PinnedSpec.times(2)));
        assert_eq!(results.count(), 3);
    });
}

#[test]
fn each_item_may_be_taken_on_another_thread() {
    watched(|| {
        for workers in [1, 3] {
            each_way!(|start, way| {
                let alive = Count::default();
                let mut results = start(0..30usize, homebody!(alive).times(workers));
                let mut outputs = Vec::new();
                for _ in 0..30 {
                    let next = thread::scope(|s| s.spawn(|| results.next()).join().unwrap());
                    outputs.push(next.unwrap().unwrap());
                }
                let end = thread::scope(|s| s.spawn(|| results.next()).join().unwrap());
                assert!(end.is_none());
                assert_eq!(alive.get(), 0, "{way:?}");
                if !way.ordered {
                    outputs.sort();
                }
                assert!(outputs.into_iter().eq(0..30), "{way:?}");
            });
        }
    });
}

#[test]
fn it_may_be_dropped_on_another_thread() {
    watched(|| {
        each_way!(|start, way| {
            let alive = Count::default();
            let mut results = start(0usize.., homebody!(alive).times(3));
            assert!(results.next().is_some());
            thread::scope(|s| s.spawn(move || drop(results)).join().unwrap());
            assert_eq!(alive.get(), 0, "{way:?}");
        });
    });
}

#[test]
fn a_run_may_be_passed_on_for_good() {
    watched(|| {
        let alive = Count::default();
        let mut results = par_stateful(0..100usize, homebody!(alive).times(3));
        assert_eq!(results.next().unwrap().unwrap(), 0);
        let rest = thread::spawn(move || results.map(Result::unwrap).sum::<usize>());
        assert_eq!(rest.join().unwrap(), 4_950);
        assert_eq!(alive.get(), 0);
    });
}
