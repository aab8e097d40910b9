//! 4. Length: `size_hint` and `len` count the items still to be yielded.

use super::each_way;
use super::puppet::{Fate, well};
use crate::system::Folder;
use crate::util::watched;

#[test]
fn the_length_counts_what_is_still_to_be_yielded() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..20).map(|x| (x, if x % 3 == 0 { Fate::Panic } else { Fate::Well }));
            let mut results = start(items, folder.specs(3)).max_in_flight(8);
            for left in (0..20).rev() {
                assert_eq!(results.len(), left + 1, "{way:?}");
                assert!(results.next().is_some());
                assert_eq!(results.size_hint(), (left, Some(left)), "{way:?}");
            }
            assert!(results.next().is_none());
        });
    });
}

#[test]
fn a_source_without_a_length_gives_its_bounds() {
    each_way!(|start, way| {
        let folder = Folder::new();
        let items = (0..20).filter(|x| x % 2 == 0).map(well);
        let mut results = start(items, folder.specs(2));
        assert_eq!(results.size_hint(), (0, Some(20)), "{way:?}");
        assert!(results.next().is_some());
        assert_eq!(results.size_hint(), (0, Some(19)), "{way:?}");
        assert_eq!(results.by_ref().count(), 9);
        assert_eq!(results.size_hint(), (0, Some(0)), "{way:?}");
    });
}
