//! Where threads are, and what they are called.

use std::thread;

use mtask::threads::Threads;
use mtask::{Pool, Spec, TaskError, par_map, par_stateful_local, worker_fn};

use crate::util::watched;

fn names() -> impl FnMut(u32) -> String + Clone + Send + 'static {
    |_| thread::current().name().unwrap_or_default().to_owned()
}

#[test]
fn a_threads_name_has_its_workers_number() {
    watched(|| {
        let one = par_map([0], 1, names()).propagate_panics().next();
        assert_eq!(one.as_deref(), Some("mtask-0"));
        for name in par_map(0..100, 3, names()).propagate_panics() {
            assert!(["mtask-0", "mtask-1", "mtask-2"].contains(&&*name), "{name}");
        }
    });
}

fn deep(n: usize) -> usize {
    let frame = std::hint::black_box([n; 128]);
    if n == 0 { 0 } else { deep(frame[7] - 1) + 1 }
}

/// As the docs of `Threads` say: where it does not hold, this program is aborted.
#[test]
fn items_of_48_kib_fit_on_any_stack_and_larger_ones_on_a_larger_one() {
    fn same<const N: usize>(item: [u8; N]) -> [u8; N] {
        item
    }
    fn ends<const N: usize>(results: impl Iterator<Item = Result<[u8; N], TaskError>>) {
        let ends = results.map(|result| result.map_or(0, |item| item[N - 1]));
        assert!(ends.eq(0..10));
    }
    watched(|| {
        // The consumer's own stack is to hold them too.
        let consumer = thread::Builder::new().stack_size(64 << 20);
        let consumer = consumer.spawn(|| {
            let small = || (0..10).map(|x| [x; 48 << 10]);
            ends(par_map(small(), 2, same));
            ends(par_map((0..10).map(|x| [x; 24 << 10]), 2, same).retries(1));
            ends(Pool::new(worker_fn(same).times(2)).map(small()));
            ends(par_stateful_local(small(), worker_fn(same).times(2)));
            let threads = Threads::new().stack_size(64 << 20);
            ends(par_map((0..10).map(|x| [x; 1 << 20]), 2, same).backend(threads));
        });
        consumer.unwrap().join().unwrap();
    });
}

#[test]
fn a_stack_may_be_larger() {
    watched(|| {
        // Some 20 MiB.
        let threads = Threads::new().stack_size(256 << 20);
        let run = par_map([10_000], 1, deep).backend(threads);
        assert_eq!(run.propagate_panics().next(), Some(10_000));
        let mut pool = Pool::new(worker_fn(deep).times(1)).backend(threads);
        assert_eq!(pool.map([10_000]).propagate_panics().next(), Some(10_000));
    });
}

#[cfg(all(feature = "affinity", target_os = "linux"))]
#[test]
fn a_worker_may_keep_to_its_processor() {
    use std::fs;

    watched(|| {
        let allowed = |_: u32| {
            let status = fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"));
            let name = thread::current().name().unwrap_or_default().to_owned();
            (name, line.unwrap().split_whitespace().last().unwrap().to_owned())
        };
        let all = allowed(0).1;
        let run = par_map(0..200, 2, allowed).backend(Threads::new().pinned());
        for (name, processors) in run.propagate_panics() {
            assert!(!processors.contains(['-', ',']), "{name} on {processors} of {all}");
        }
        let run = par_map(0..20, 2, allowed);
        assert!(run.propagate_panics().all(|(_, processors)| processors == all));
    });
}
