//! 2. One out for one in, whatever panics or fails.

use mtask::{TaskError, TaskErrorKind};

use super::each_way;
use super::puppet::{Builds, Fate, Told, number_of, well};
use crate::system::Folder;
use crate::util::{Random, watched};

fn fate(x: usize) -> Fate {
    match x % 11 {
        3 => Fate::Panic,
        7 => Fate::Fail,
        8 => Fate::Slow(300),
        _ => Fate::Well,
    }
}

/// The input that an item was made from, if it is what that input has to give.
fn origin(item: Result<Result<Told, String>, TaskError>) -> usize {
    let (x, expected) = match item {
        Ok(Ok(told)) => (told.x, fate(told.x)),
        Ok(Err(message)) => (message.split(' ').nth(1).unwrap().parse().unwrap(), Fate::Fail),
        Err(error) => {
            assert_eq!(error.kind(), TaskErrorKind::Panicked, "{error}");
            let x = error.index().unwrap();
            assert_eq!(error.panic_message().unwrap(), format!("item {x} panics"));
            (x, Fate::Panic)
        }
    };
    assert_eq!(fate(x), expected);
    x
}

#[test]
fn each_input_gives_one_item_whatever_becomes_of_it() {
    watched(|| {
        let mut random = Random::new(2);
        for n in [0, 1, 2, 5, 31, 200] {
            for workers in [1, 3] {
                let (window, batch) = (1 + random.below(12), 1 + random.below(6));
                each_way!(|start, way| {
                    let folder = Folder::new();
                    let results = start((0..n).map(|x| (x, fate(x))), folder.specs(workers));
                    let results = results.max_in_flight(window).chunk_size(batch);
                    let mut origins: Vec<usize> = results.map(origin).collect();
                    if !way.ordered {
                        origins.sort();
                    }
                    assert!(origins.into_iter().eq(0..n), "{way:?}, {workers} workers");
                });
            }
        }
    });
}

#[test]
fn failed_builds_cost_no_item() {
    watched(|| {
        for broken in [1, 2, 5] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let specs = vec![folder.spec(0, Builds::FailFirst(broken)); 3];
                let items: Vec<_> = start((0..60).map(well), specs).map(number_of).collect();
                let mut sorted = items.clone();
                sorted.sort();
                assert!(sorted.into_iter().eq(0..60), "{way:?}");
                assert!(!way.ordered || items.is_sorted(), "{way:?}");
            });
        }
    });
}

#[test]
fn order_holds_when_later_items_are_faster() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items =
                (0..40).map(|x| (x, if x % 4 == 0 { Fate::Slow(4_000) } else { Fate::Well }));
            let mut outputs: Vec<_> = start(items, folder.specs(4)).map(number_of).collect();
            if !way.ordered {
                assert!(!outputs.is_sorted(), "a fast item overtakes a slow one: {way:?}");
                outputs.sort();
            }
            assert!(outputs.into_iter().eq(0..40), "{way:?}");
        });
    });
}

#[test]
fn after_the_end_there_is_nothing_more() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let mut results = start((0..3).map(well), folder.specs(2));
        assert_eq!(results.by_ref().count(), 3);
        assert!(results.is_finished());
        assert!((0..3).all(|_| results.next().is_none()), "{way:?}");
    });
}
