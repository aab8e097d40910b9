//! `.lifespan(n)`: a worker is built anew every `n` items.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mtask::{BoxSpec, Spec, init_fn, par_map, par_stateful, par_stateful_local};

use crate::util::{Count, watched};

/// A spec whose worker gives how many items it has had, and counts how many are alive.
fn aging(alive: &Count, built: &Count) -> BoxSpec<usize, usize> {
    let (alive, built) = (alive.clone(), built.clone());
    init_fn(move || {
        built.add();
        let (token, mut seen) = (alive.token(), 0);
        Ok::<_, String>(move |_: usize| {
            let _ = &token;
            seen += 1;
            seen
        })
    })
    .boxed()
}

#[test]
fn no_worker_has_more_items_than_that() {
    watched(|| {
        for lifespan in [1, 2, 7, 1_000] {
            let (alive, built) = (Count::default(), Count::default());
            let mut results =
                par_stateful(0..500, aging(&alive, &built).times(3)).lifespan(lifespan);
            let seen: Vec<usize> = results.by_ref().map(Result::unwrap).collect();
            assert_eq!(seen.len(), 500);
            assert!(seen.iter().all(|&seen| seen <= lifespan), "{lifespan}");
            let stats = results.stats();
            assert_eq!((stats.builds, alive.get()), (built.get(), 0));
            let restarts: usize = stats.workers.iter().map(|worker| worker.restarts).sum();
            let began = stats.workers.iter().filter(|worker| worker.items > 0).count();
            assert_eq!(restarts + began, built.get());
            if lifespan < 1_000 {
                assert!(built.get() >= 500 / lifespan, "{} for {lifespan}", built.get());
            } else {
                assert!(built.get() <= 3);
            }
        }
    });
}

#[test]
fn it_is_the_same_inline_and_where_the_consumer_pulls() {
    watched(|| {
        let (alive, built) = (Count::default(), Count::default());
        let specs = aging(&alive, &built).times(1);
        let seen = par_stateful_local(0..6, specs).lifespan(4).propagate_panics();
        assert_eq!(seen.collect::<Vec<_>>(), [1, 2, 3, 4, 1, 2]);
        let specs = aging(&alive, &built).times(1);
        let seen = par_stateful(0..6, specs).lifespan(4).inline().propagate_panics();
        assert_eq!(seen.collect::<Vec<_>>(), [1, 2, 3, 4, 1, 2]);
        assert_eq!(alive.get(), 0);
    });
}

#[test]
fn no_time_at_all_is_refused() {
    let refused = catch_unwind(AssertUnwindSafe(|| par_map(0..1, 1, |x: u32| x).lifespan(0)));
    let payload = refused.map(drop).unwrap_err();
    assert!(payload.downcast_ref::<&str>().unwrap().contains("at least 1"));
}
