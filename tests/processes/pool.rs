//! A pool of processes, which are kept from one map to the next.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, mem, process, thread};

use mtask::prelude::*;
use mtask::{Context, Pool, Processes};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::system::{Folder, children, descriptors, is_alive, kill};
use crate::util::process::alone;
use crate::util::{Random, eventually, watched};

/// What is asked of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Ask {
    Count,
    Panic,
    Abort,
    Sleep(u64),
    /// To sleep until the run is cancelled, at most for so long, and to leave a file if it was.
    UntilCancelled(String, u64),
}

/// What a worker tells of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    pid: u32,
    /// The calls of its life.
    calls: usize,
    index: usize,
    attempt: usize,
}

struct Counting {
    calls: usize,
}

#[delayed_init(remote)]
impl Counting {
    /// Fails so often, by the files of a folder.
    fn new(folder: &str, failures: usize) -> Result<Self, String> {
        let is_new = |n: &usize| fs::File::create_new(format!("{folder}/build.{n}")).is_ok();
        let build = (0..failures).find(is_new);
        build.map_or(Ok(Self { calls: 0 }), |build| Err(format!("no device {build}")))
    }

    fn call(&mut self, ask: Ask, context: &Context<'_>) -> Told {
        self.calls += 1;
        match ask {
            Ask::Count => {}
            Ask::Panic => panic!("as asked"),
            Ask::Abort => process::abort(),
            Ask::Sleep(ms) => thread::sleep(Duration::from_millis(ms)),
            Ask::UntilCancelled(path, ms) => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_millis(ms) && !context.is_cancelled() {
                    thread::sleep(Duration::from_millis(1));
                }
                fs::write(path, context.is_cancelled().to_string()).unwrap();
            }
        }
        let (index, attempt) = (context.index(), context.attempt());
        Told { pid: process::id(), calls: self.calls, index, attempt }
    }

    fn finish(self) -> usize {
        self.calls
    }
}

/// A pool that is built without fail.
fn pool(workers: usize) -> Pool<CountingSpec, Counting, Processes> {
    Pool::new(Counting::spec("", 0).times(workers)).backend(Processes::new())
}

#[test]
fn a_thousand_maps_build_each_worker_once_those_dropped_early_included() {
    alone(|| {
        let before = descriptors().len();
        watched(|| {
            let mut random = Random::new(7);
            let mut pool = pool(2);
            pool.build_now().unwrap();
            let mut pids = HashSet::new();
            for round in 0..1_000 {
                let length = random.below(40);
                let taken = if random.one_in(3) { random.below(length + 1) } else { length };
                let map = pool.map(vec![Ask::Count; length]);
                let map = if random.one_in(2) { map.unordered() } else { map };
                let mut seen = Vec::new();
                for told in map.take(taken) {
                    let told = told.unwrap();
                    assert_eq!(told.attempt, 1, "{round}");
                    seen.push(told.index);
                    pids.insert(told.pid);
                }
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), taken, "{round}");
            }
            assert!((1..=2).contains(&pids.len()), "{pids:?}");
            let all: HashSet<_> = children(process::id()).into_iter().map(|it| it.0).collect();
            assert!(all.len() == 2 && all.is_superset(&pids), "{all:?} {pids:?}");
            drop(pool);
            assert_eq!(children(process::id()), []);
        });
        eventually("the descriptors are closed", || descriptors().len() <= before);
    });
}

#[test]
fn maps_give_what_the_sequential_map_gives() {
    watched(|| {
        let mut random = Random::new(11);
        let mut pool = pool(2);
        for _ in 0..200 {
            let length = random.below(500);
            let map = pool.map(vec![Ask::Count; length]);
            let map = match random.below(5) {
                0 => map.max_in_flight(1 + random.below(5)),
                1 => map.chunk_size(1 + random.below(5)),
                2 => map.build_now(),
                3 => map.start(),
                _ => map,
            };
            assert_eq!(map.len(), length);
            assert!(map.map(|told| told.unwrap().index).eq(0..length));
        }
    });
}

#[test]
fn nothing_is_started_before_the_first_item() {
    alone(|| {
        let mut pool = pool(2);
        drop(pool.map([Ask::Count]));
        assert_eq!(pool.map([]).count(), 0);
        assert_eq!(children(process::id()), []);
        assert_eq!(pool.map([Ask::Count]).count(), 1);
        assert_eq!(children(process::id()).len(), 1);
        pool.build_now().unwrap();
        assert_eq!(children(process::id()).len(), 2);
        pool.finish();
        assert_eq!(children(process::id()), []);
    });
}

#[test]
fn a_map_dropped_early_waits_for_the_item_in_hand_alone_and_keeps_the_process() {
    watched(|| {
        let folder = Folder::new();
        let mut pool = pool(1);
        let before = pool.map([Ask::Count]).next().unwrap().unwrap();
        let quick = (0..500).map(|_| Ask::Count);
        // One frame, as far as the pace of the others tells.
        let slow = (0..500).map(|_| Ask::Sleep(100));
        let mut map = pool.map(quick.chain(slow));
        for _ in 0..500 {
            map.next().unwrap().unwrap();
        }
        let start = Instant::now();
        drop(map);
        let after = pool.map([Ask::Count]).next().unwrap().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_eq!(after.pid, before.pid);

        // And the worker is told.
        let path = folder.path("told");
        let mut map = pool.map([Ask::Count, Ask::UntilCancelled(path, 20_000)]);
        map.next().unwrap().unwrap();
        thread::sleep(Duration::from_millis(50));
        drop(map);
        // Where it had not come to it there is no file, and nothing to be told.
        let told = fs::read_to_string(folder.path("told")).unwrap_or_default();
        assert!(["", "true"].contains(&&*told), "{told}");
        let path = folder.path("not told");
        let after = pool.map([Ask::UntilCancelled(path, 10)]).next().unwrap().unwrap();
        assert_eq!(after.pid, before.pid);
        assert_eq!(folder.wait_for("not told"), "false");
    });
}

#[test]
fn a_process_that_dies_between_two_maps_costs_nothing_and_in_one_its_item() {
    watched(|| {
        let mut pool = pool(1);
        let first = pool.map([Ask::Count]).next().unwrap().unwrap();
        kill(first.pid, Signal::KILL);
        eventually("it is dead", || !is_alive(first.pid));
        let second = pool.map([Ask::Count]).next().unwrap().unwrap();
        assert_ne!(second.pid, first.pid);
        let map = pool.map([Ask::Count, Ask::Abort, Ask::Count]).chunk_size(1);
        let kinds: Vec<_> =
            map.map(|told| told.map(|it| it.calls).map_err(|error| error.kind())).collect();
        assert_eq!(kinds, [Ok(2), Err(TaskErrorKind::WorkerLost), Ok(1)]);
        let last = pool.map([Ask::Count]).next().unwrap().unwrap();
        assert_eq!(last.calls, 2);
    });
}

#[test]
fn a_panic_costs_one_item_and_the_worker_is_there_for_the_next_map() {
    watched(|| {
        let mut pool = pool(1);
        for round in 0..10 {
            let mut map = pool.map([Ask::Count, Ask::Panic]);
            assert_eq!(map.next().unwrap().unwrap().calls, if round % 2 == 0 { 1 } else { 2 });
            assert_eq!(map.next().unwrap().unwrap_err().kind(), TaskErrorKind::Panicked);
            assert!(map.next().is_none());
            drop(map);
            if round % 2 == 0 {
                assert_eq!(pool.map([Ask::Count]).next().unwrap().unwrap().calls, 1);
            } else {
                pool.build_now().unwrap();
            }
        }
    });
}

#[test]
fn what_could_not_be_built_is_tried_again_by_the_next_map() {
    watched(|| {
        let folder = Folder::new();
        let specs = [Counting::spec(&folder.path(""), 7)];
        let mut pool = Pool::new(specs).backend(Processes::new());
        let error = pool.build_now().unwrap_err();
        assert_eq!((error.kind(), error.index()), (TaskErrorKind::BuildFailed, None));
        let mut map = pool.map(vec![Ask::Count; 5]);
        assert!(map.by_ref().all(|told| told.is_err()));
        assert_eq!((map.stats().retired, map.ended()), (1, Some(Ended::NoWorkerLeft)));
        drop(map);
        assert!(pool.map(vec![Ask::Count; 4]).chunk_size(1).all(|told| told.is_ok()));
        pool.build_now().unwrap();
    });
}

#[test]
fn an_item_over_its_time_costs_the_process_and_no_more() {
    watched(|| {
        let limits = Processes::new().task_timeout(Duration::from_millis(300));
        let mut pool = Pool::new([Counting::spec("", 0)]).backend(limits);
        for _ in 0..2 {
            let map = pool.map([Ask::Count, Ask::Sleep(60_000), Ask::Count]);
            let kinds: Vec<_> = map.map(|told| told.err().map(|error| error.kind())).collect();
            assert_eq!(kinds, [None, Some(TaskErrorKind::TimedOut), None]);
        }
    });
}

#[test]
fn a_forgotten_map_is_cancelled_by_the_next() {
    watched(|| {
        let mut pool = pool(2);
        let mut map = pool.map((0..).map(|_| Ask::Count)).max_in_flight(8);
        assert!(map.next().is_some());
        mem::forget(map);
        assert!(pool.map(vec![Ask::Count; 100]).map(|told| told.unwrap().index).eq(0..100));
        let mut map = pool.map((0..).map(|_| Ask::Count));
        assert!(map.next().is_some());
        mem::forget(map);
        // And by the end of the pool.
        drop(pool);
    });
}

#[test]
fn the_next_map_waits_for_a_lane_that_was_left_inside_the_source() {
    alone(|| {
        watched(|| {
            let mut pool = pool(2);
            let (sender, items) = mpsc::channel();
            sender.send(Ask::Count).unwrap();
            let mut map = pool.map(items);
            let first = map.next().unwrap().unwrap();
            drop(map);
            let closer = thread::spawn(move || {
                thread::sleep(Duration::from_millis(100));
                drop(sender);
            });
            assert_eq!(pool.map(vec![Ask::Count; 20]).filter(Result::is_ok).count(), 20);
            closer.join().unwrap();
            assert!(is_alive(first.pid));

            // A pool that is dropped leaves it, and the process does not stay.
            let (sender, items) = mpsc::channel();
            sender.send(Ask::Count).unwrap();
            let mut map = pool.map(items);
            assert!(map.next().is_some());
            drop(map);
            drop(pool);
            eventually("no process does anything", || {
                children(process::id()).into_iter().all(|(pid, _)| !is_alive(pid))
            });
            drop(sender);
            eventually("none is left", || children(process::id()).is_empty());
        });
    });
}

#[test]
fn a_drop_waits_no_longer_than_is_set() {
    alone(|| {
        watched(|| {
            let mut pool = pool(1).shutdown_timeout(Duration::from_millis(50));
            let mut map = pool.map([Ask::Count, Ask::Sleep(600_000)]).chunk_size(1);
            assert!(map.next().is_some());
            drop(map);
            drop(pool);
            eventually("none is left", || children(process::id()).is_empty());

            // One map's own, and the process is started again for the next.
            let mut pool = self::pool(1);
            let map = pool.map([Ask::Count, Ask::Sleep(600_000)]).chunk_size(1);
            let mut map = map.shutdown_timeout(Duration::from_millis(50));
            assert!(map.next().is_some());
            drop(map);
            assert_eq!(pool.map([Ask::Count]).filter(Result::is_ok).count(), 1);
        });
    });
}

#[test]
fn what_is_asked_of_a_map_holds_for_it() {
    watched(|| {
        let mut pool = pool(1);
        let map = pool.map([Ask::Count, Ask::Panic]).retries(2);
        let results: Vec<_> = map.map(|told| told.map_err(|error| error.attempts())).collect();
        assert_eq!(results[1], Err(3));
        let calls = |lifespan, pool: &mut Pool<CountingSpec, Counting, Processes>| -> Vec<usize> {
            let map = pool.map(vec![Ask::Count; 4]).lifespan(lifespan);
            map.map(|told| told.unwrap().calls).collect()
        };
        assert_eq!(calls(2, &mut pool), [1, 2, 1, 2]);
        let mut map = pool.map((0..).map(|_| Ask::Count));
        let handle = map.cancel_handle();
        assert!(map.next().is_some());
        handle.cancel();
        assert!(map.count() < 10_000);
        let mut map = pool.map(vec![Ask::Count; 30]);
        assert_eq!(map.by_ref().count(), 30);
        let stats = map.stats();
        assert_eq!((stats.yielded, stats.workers[0].items, stats.builds), (30, 30, 0));
    });
}

#[test]
fn a_pool_has_the_summaries_of_all_its_maps() {
    watched(|| {
        let mut pool = pool(2).with_summaries();
        pool.map(vec![Ask::Count; 30]).for_each(drop);
        pool.map(vec![Ask::Count; 70]).for_each(drop);
        let summaries = pool.into_summaries();
        let calls = summaries.into_iter().map(|(_, calls)| calls.unwrap());
        assert_eq!(calls.sum::<usize>(), 100);

        let mut pool = self::pool(1).with_summaries();
        pool.map([Ask::Count, Ask::Abort, Ask::Count]).chunk_size(1).for_each(drop);
        let summaries = pool.into_summaries();
        let [(0, Err(lost)), (0, Ok(1))] = &summaries[..] else { panic!("{summaries:?}") };
        assert_eq!(lost.index(), Some(1));
    });
}

#[cfg(feature = "stream")]
#[test]
fn a_map_can_be_awaited() {
    use futures_util::StreamExt;

    watched(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut pool = pool(2);
        for length in [0, 1, 300] {
            let told = pool.map(vec![Ask::Count; length]).into_stream().collect::<Vec<_>>();
            let told = runtime.block_on(told);
            assert!(told.into_iter().map(|told| told.unwrap().index).eq(0..length));
        }
    });
}

#[test]
#[should_panic(expected = "`Pool::backend` came after the first map")]
fn a_backend_after_the_first_map_is_a_panic() {
    let mut pool = pool(1);
    pool.build_now().unwrap();
    let _ = pool.backend(Processes::new());
}
