//! 13. Zero specs is a panic at the call; zero items is an empty iterator, nothing spawned.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::each_way;
use super::puppet::{Fate, Told, well};
use crate::system::Folder;

#[test]
fn zero_specs_is_a_panic_at_the_call() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let call = || drop(start((0..3).map(well), folder.specs(0)));
        let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let text = payload.downcast_ref::<&str>().expect("a text");
        assert!(text.contains("`specs` is empty"), "{text}: {way:?}");
    });
}

#[test]
fn zero_items_is_an_empty_iterator() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let mut results = start(Vec::<(usize, Fate)>::new(), folder.specs(4));
        assert!((0..3).all(|_| results.next().is_none()), "{way:?}");
        assert_eq!(results.size_hint(), (0, Some(0)));
        assert_eq!(folder.count("build"), 0);
    });
    each_way!(|start, way| {
        let folder = Folder::new();
        let source = (0..10).filter(|x| *x > 10).map(well);
        let results: Vec<Result<Result<Told, String>, _>> =
            start(source, folder.specs(4)).collect();
        assert_eq!((results.len(), folder.count("build")), (0, 0), "{way:?}");
    });
}
