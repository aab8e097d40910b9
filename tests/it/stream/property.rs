//! Any source that is pending now and then gives what the sequential `map` gives.

use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use mtask::{ParStatefulStreamExt, Spec, TaskErrorKind, par_stateful, worker_fn};
use proptest::prelude::*;

use crate::util::watched;

/// What becomes of an item.
#[derive(Clone, Copy, Debug)]
struct Item {
    panics: bool,
    /// For how many microseconds it is worked at.
    work: u64,
    /// How the stream is pending before it: not, woken at once, or woken by a thread after a while.
    pending: Option<u64>,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let work = prop_oneof![4 => Just(0), 1 => 0..300u64];
    let pending = prop_oneof![
        6 => Just(None),
        2 => Just(Some(0)),
        1 => (1..300u64).prop_map(Some)
    ];
    let item = (prop::bool::weighted(0.1), work, pending)
        .prop_map(|(panics, work, pending)| Item { panics, work, pending });
    prop::collection::vec(item, 0..80)
}

fn source(items: Vec<Item>) -> impl Stream<Item = (usize, Item)> {
    let mut items = items.into_iter().enumerate().peekable();
    stream::poll_fn(move |task| {
        let pending = items.peek_mut().and_then(|(_, item)| item.pending.take());
        if let Some(time) = pending {
            let waker = task.waker().clone();
            match time {
                0 => waker.wake(),
                time => drop(thread::spawn(move || {
                    thread::sleep(Duration::from_micros(time));
                    waker.wake();
                })),
            }
            return Poll::Pending;
        }
        Poll::Ready(items.next())
    })
}

fn work((index, item): (usize, Item)) -> usize {
    if item.work > 0 {
        thread::sleep(Duration::from_micros(item.work));
    }
    assert!(!item.panics, "as it must");
    index * 3
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_run_gives_what_the_sequential_map_gives(
        items in items(),
        workers in 1..5_usize,
        window in prop_oneof![
            Just(None),
            (1..40_usize).prop_map(Some),
            Just(Some(usize::MAX)),
        ],
        batch in prop::option::of(1..20_usize),
        (unordered, build_now, from_stream) in any::<(bool, bool, bool)>(),
    ) {
        let of = items.clone();
        let results = watched(move || {
            let specs = worker_fn(work).times(workers);
            macro_rules! collect {
                ($run:expr) => {{
                    let run = $run;
                    let run = if unordered { run.unordered() } else { run };
                    let run = if build_now { run.build_now() } else { run };
                    let run = match window {
                        Some(window) => run.max_in_flight(window),
                        None => run,
                    };
                    let run = match batch {
                        Some(batch) => run.chunk_size(batch),
                        None => run,
                    };
                    futures_executor::block_on(run.collect::<Vec<_>>())
                }};
            }
            if from_stream {
                collect!(source(of).par_stateful_stream(specs))
            } else {
                collect!(par_stateful(of.into_iter().enumerate(), specs).into_stream())
            }
        });
        let mut seen: Vec<_> = results
            .into_iter()
            .map(|result| match result {
                Ok(output) => (output / 3, true),
                Err(error) => {
                    assert_eq!(error.kind(), TaskErrorKind::Panicked);
                    (error.index().unwrap(), false)
                }
            })
            .collect();
        if unordered {
            seen.sort_unstable();
        }
        let expected = items.iter().enumerate().map(|(index, item)| (index, !item.panics));
        prop_assert!(seen.into_iter().eq(expected));
    }
}
