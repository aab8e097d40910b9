//! What a run does where nothing is chosen.

use std::thread;

use mtask::prelude::*;

use crate::util::{Count, Gate, counted, eventually, settle, watched};

/// 17, 20: without options there is a bound, and it follows the number of workers.
#[test]
fn the_default_window_follows_the_number_of_workers() {
    watched(|| {
        let gate = Gate::default();
        let _open = gate.open_on_drop();
        let (runs, pulled): (Vec<_>, Vec<_>) = [2, 4, 6]
            .map(|workers| {
                let (source, pulled) = counted(0..100_000);
                let at_gate = gate.clone();
                let first_stalls = move |x: usize| {
                    if x == 0 {
                        at_gate.pass();
                    }
                };
                (par_map(source, workers, first_stalls).start(), pulled)
            })
            .into_iter()
            .unzip();
        let are_full = || {
            let two = pulled[0].get();
            (2..1_000).contains(&two) && (pulled[1].get(), pulled[2].get()) == (2 * two, 3 * two)
        };
        eventually("the windows are full and stay so", || {
            are_full() && {
                settle();
                are_full()
            }
        });
        gate.open();
        drop(runs);
    });
}

/// 21, 22: without options errors come as items, results in order, and a worker takes one argument.
#[test]
fn by_default_errors_are_items_in_order() {
    watched(|| {
        let answers = par_map(0..50, 3, |x: u32| if x % 7 == 3 { Err(x) } else { Ok(x) });
        for (x, answer) in (0..).zip(answers) {
            assert_eq!(answer.unwrap(), if x % 7 == 3 { Err(x) } else { Ok(x) });
        }
    });
}

/// 22: without a timeout the end of a run waits for what is in hand, as long as it takes.
#[test]
fn by_default_the_end_waits_for_workers() {
    watched(|| {
        let gate = Gate::default();
        let ended = Count::default();
        let (at_gate, ends) = (gate.clone(), ended.clone());
        let results = par_map(0..4, 2, move |_: u32| {
            at_gate.pass();
            ends.add();
        })
        .start();
        gate.wait_for(2);
        let opener = thread::spawn(move || {
            settle();
            gate.open();
        });
        drop(results);
        assert!(ended.get() >= 2, "the items in hand have ended before the drop has");
        opener.join().unwrap();
    });
}
