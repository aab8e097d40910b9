//! 5. Built in place: once a worker, where it runs, when its first item is there.

use std::collections::{BTreeMap, BTreeSet};
use std::{process, thread};

use super::each_way;
use super::puppet::{Builds, Fate, well};
use crate::system::Folder;
use crate::util::{counted, eventually, settle, watched};

#[test]
fn a_worker_is_built_once_keeps_its_state_and_stays_where_it_is() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let items = (0..200).map(|x| (x, Fate::Slow(100)));
            let mut homes = BTreeMap::new();
            let mut calls = BTreeMap::new();
            for result in start(items, folder.specs(3)) {
                let told = result.unwrap().unwrap();
                assert_eq!(homes.entry(told.id).or_insert(told.home.clone()), &told.home);
                calls.entry(told.id).or_insert_with(BTreeSet::new).insert(told.calls);
            }
            // Each worker has counted its own items, from 1 on, without a gap.
            assert_eq!(calls.values().map(BTreeSet::len).sum::<usize>(), 200, "{way:?}");
            assert!(calls.values().all(|calls| calls.iter().copied().eq(1..=calls.len())));
            assert_eq!(folder.count("build"), homes.len(), "{way:?}");
            let own = homes.values().filter(|(pid, _)| *pid == process::id()).count();
            assert_eq!(own, if way.start == "threads" { homes.len() } else { 0 });
            assert_eq!(folder.count("dropped"), homes.len(), "each is dropped at the end: {way:?}");
        });
    });
}

#[test]
fn fewer_items_than_workers_build_fewer_workers() {
    watched(|| {
        for items in 0..3 {
            each_way!(|start, way| {
                let folder = Folder::new();
                assert_eq!(start((0..items).map(well), folder.specs(6)).count(), items);
                assert!(folder.count("build") <= items, "{items}: {way:?}");
            });
        }
    });
}

#[test]
fn build_now_builds_every_worker_before_an_item_is_pulled() {
    watched(|| {
        each_way!(|start, way| {
            let folder = Folder::new();
            let (source, pulled) = counted((0..2).map(well));
            let specs = vec![folder.spec(0, Builds::Gate); 3];
            thread::scope(|scope| {
                let observer = scope.spawn(|| {
                    eventually("all are being built", || folder.count("build") == 3);
                    settle();
                    let seen = pulled.get();
                    folder.open();
                    seen
                });
                assert_eq!(start(source, specs).build_now().count(), 2);
                assert_eq!(observer.join().unwrap(), 0, "{way:?}");
            });
            assert_eq!(folder.count("build"), 3, "{way:?}");
        });
    });
}
