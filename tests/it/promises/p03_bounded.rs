//! 3. Bounded: pulled − yielded ≤ window, always, in both orders, however skewed the work.

use std::thread;
use std::time::Duration;

use mtask::{Spec, par_stateful, worker_fn};

use crate::util::{
    Count, Gate, Random, counted, each_pulling_way, each_way, eventually, settle, stalled, watched,
};

/// The windows that are tried, some of them smaller than the number of workers.
const WINDOWS: [usize; 5] = [1, 2, 3, 8, 50];

/// A worker that stands at `gate` with the first item.
macro_rules! stalled_at_first {
    ($gate:expr) => {{
        let gate = $gate.clone();
        worker_fn(move |x: usize| {
            if x == 0 {
                gate.pass();
            }
            x
        })
    }};
}

#[test]
fn behind_a_stalled_first_item_one_window_is_pulled() {
    watched(|| {
        for (window, batch) in WINDOWS.into_iter().zip([1, 7, 1, 3, 64]) {
            each_way!(|start, way| {
                let gate = Gate::default();
                let (source, pulled) = counted(0..1_000usize);
                let results = start(source, stalled_at_first!(gate).times(3));
                let results = results.max_in_flight(window).chunk_size(batch);
                // The consumer is inside `next()` all the while: it pulls where the source is
                // local. Out of order the other items pass the stalled one, if there is room.
                let passes = !way.ordered && window > 1;
                let most = if passes { 1_000 } else { window };
                let observer = thread::spawn(move || {
                    gate.wait_for(1);
                    eventually("the window is used", || pulled.get() >= most);
                    settle();
                    let seen = pulled.get();
                    gate.open();
                    seen
                });
                assert_eq!(results.count(), 1_000, "{way:?}");
                assert_eq!(observer.join().unwrap(), most, "{way:?}");
            });
        }
    });
}

#[test]
fn out_of_order_a_stalled_first_item_keeps_its_place_in_the_window() {
    watched(|| {
        for window in [2, 3, 8, 50] {
            each_way!(|start, way| {
                let gate = Gate::default();
                let (source, pulled) = counted(0..1_000usize);
                let results = start(source, stalled_at_first!(gate).times(3));
                if !way.ordered {
                    let mut results = results.max_in_flight(window);
                    let _open = gate.open_on_drop();
                    for yielded in 1..=200 {
                        assert_ne!(results.next().unwrap().unwrap(), 0);
                        assert!(pulled.get() - yielded <= window, "{way:?}");
                    }
                    settle();
                    assert!(pulled.get() - 200 <= window, "{way:?}");
                    gate.open();
                    assert_eq!(results.count(), 800);
                }
            });
        }
    });
}

#[test]
fn a_stalled_source_leaves_no_room_behind() {
    watched(|| {
        // With a window of one, the source is not asked before the consumer comes back.
        for window in [2, 3, 8, 50] {
            each_pulling_way!(|start, way| {
                let gate = Gate::default();
                let (source, pulled) = counted(stalled(0..1_000usize, 10, &gate));
                let spec = worker_fn(|x: usize| x);
                let mut results = start(source, spec.times(3)).max_in_flight(window);
                let _open = gate.open_on_drop();
                for _ in 0..10 {
                    assert!(results.next().unwrap().is_ok());
                }
                gate.wait_for(1);
                settle();
                assert_eq!(pulled.get(), 10, "{way:?}");
                gate.open();
                // Nobody comes back for more: the source goes on for one window at the most.
                settle();
                assert!(pulled.get() <= 10 + window, "{} pulled: {way:?}", pulled.get());
                assert_eq!(results.count(), 990);
            });
        }
    });
}

#[test]
fn a_stalled_consumer_stops_the_source() {
    watched(|| {
        for window in WINDOWS {
            each_way!(|start, way| {
                let (source, pulled) = counted(0..1_000usize);
                let mut results =
                    start(source, worker_fn(|x: usize| x).times(3)).max_in_flight(window);
                for yielded in [1, 2, 3, 20] {
                    while 1_000 - results.len() < yielded {
                        results.next().unwrap().unwrap();
                    }
                    settle();
                    assert!(pulled.get() - yielded <= window, "{} pulled: {way:?}", pulled.get());
                }
            });
        }
    });
}

#[test]
fn the_bound_holds_at_every_pull_however_skewed_the_work() {
    watched(|| {
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let workers = 1 + random.below(4);
            let window = 1 + random.below(20);
            let batch = 1 + random.below(10);
            each_way!(|start, way| {
                let yielded = Count::default();
                let most = Count::default();
                let source = {
                    let (yielded, most) = (yielded.clone(), most.clone());
                    (0..300usize).inspect(move |&x| {
                        // This one is in flight as well.
                        while most.get() < x + 1 - yielded.get() {
                            most.add();
                        }
                    })
                };
                let spec = worker_fn(move |x: usize| {
                    if Random::new(seed + x as u64).one_in(20) {
                        thread::sleep(Duration::from_millis(1));
                    }
                    x
                });
                let results = start(source, spec.times(workers));
                for result in results.max_in_flight(window).chunk_size(batch) {
                    result.unwrap();
                    yielded.add();
                }
                assert!(most.get() <= window, "{most:?} of {window}, seed {seed}: {way:?}");
            });
        }
    });
}

#[test]
fn without_an_option_there_is_a_bound() {
    watched(|| {
        each_way!(|start, way| {
            let gate = Gate::default();
            let (source, pulled) = counted(0..20_000usize);
            let spec = {
                let gate = gate.clone();
                worker_fn(move |_: usize| gate.pass())
            };
            let results = start(source, spec.times(3));
            let observer = thread::spawn(move || {
                gate.wait_for(3);
                settle();
                let seen = pulled.get();
                settle();
                let later = pulled.get();
                gate.open();
                (seen, later)
            });
            assert_eq!(results.count(), 20_000);
            let (seen, later) = observer.join().unwrap();
            assert!(seen == later && seen < 1_000, "{seen}, then {later} pulled: {way:?}");
        });
    });
}

#[test]
fn inline_has_one_item_in_flight() {
    let (source, pulled) = counted(0..10u32);
    let results = par_stateful(source, worker_fn(|x: u32| x).times(3)).inline();
    for (yielded, result) in results.enumerate() {
        result.unwrap();
        assert_eq!(pulled.get(), yielded + 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_input() {
    use crate::util::process::{alone, resident};

    const SIZE: usize = 16 << 10;

    alone(|| {
        let pass = |items: usize| {
            each_way!(|start, way| {
                let source = (0..items).map(|_| vec![1u8; SIZE]);
                let specs = worker_fn(|item: Vec<u8>| item.clone()).times(2);
                let bytes: usize = start(source, specs).map(|item| item.unwrap().len()).sum();
                assert_eq!(bytes, items * SIZE, "{way:?}");
            });
        };
        pass(1_000);
        let before = resident();
        pass(5_000);
        let grown = resident().saturating_sub(before);
        // Each of the six runs carries 80 MB in and as much out.
        assert!(grown < 20 << 20, "{grown} bytes more for five times the input");
    });
}
