//! 3. Bounded: pulled − yielded ≤ window, however skewed the work.

use std::thread;

use super::each_way;
use super::puppet::{Fate, number_of};
use crate::system::Folder;
use crate::util::{Count, Random, counted, eventually, settle, watched};

#[test]
fn behind_a_stalled_first_item_one_window_is_pulled() {
    watched(|| {
        for (window, batch) in [(1, 1), (2, 7), (8, 3), (50, 64)] {
            each_way!(|start, way| {
                let folder = Folder::new();
                let items = (0..500).map(|x| (x, if x == 0 { Fate::Gate } else { Fate::Well }));
                let (source, pulled) = counted(items);
                let results = start(source, folder.specs(3));
                let results = results.max_in_flight(window).chunk_size(batch);
                // Out of order the other items pass the stalled one, if there is room.
                let most = if !way.ordered && window > 1 { 500 } else { window };
                let observed = thread::scope(|scope| {
                    let observer = scope.spawn(|| {
                        eventually("it stands at the gate", || folder.count("came") == 1);
                        if way.ordered || window == 1 {
                            eventually("the window is used", || pulled.get() >= most);
                        }
                        settle();
                        let seen = pulled.get();
                        folder.open();
                        seen
                    });
                    assert_eq!(results.count(), 500, "{way:?}");
                    observer.join().unwrap()
                });
                assert!(observed <= most, "{observed} of {most}: {way:?}");
            });
        }
    });
}

#[test]
fn the_bound_holds_at_every_pull_however_skewed_the_work() {
    watched(|| {
        for seed in 0..6 {
            let mut random = Random::new(seed);
            let (workers, window) = (1 + random.below(4), 1 + random.below(20));
            let batch = 1 + random.below(10);
            each_way!(|start, way| {
                let folder = Folder::new();
                let (yielded, most) = (Count::default(), Count::default());
                let source = {
                    let (yielded, most) = (yielded.clone(), most.clone());
                    (0..300).map(move |x| {
                        // This one is in flight as well.
                        while most.get() < x + 1 - yielded.get() {
                            most.add();
                        }
                        let slow = Random::new(seed + x as u64).one_in(20);
                        (x, if slow { Fate::Slow(1_000) } else { Fate::Well })
                    })
                };
                let results = start(source, folder.specs(workers));
                for result in results.max_in_flight(window).chunk_size(batch) {
                    number_of(result);
                    yielded.add();
                }
                assert!(most.get() <= window, "{most:?} of {window}, seed {seed}: {way:?}");
            });
        }
    });
}
