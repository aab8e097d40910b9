//! What the watchdog of a test says of one that hangs: where each run is.

use mtask::par_map;

use crate::util::{Gate, eventually, live_runs, watched};

/// The one run with this window, among those of other tests.
fn run_with(window: usize) -> Option<String> {
    let runs = live_runs();
    let mut runs = runs.split("\n}\n").filter(|run| run.contains(&format!(" window: {window},")));
    runs.next().map(str::to_owned)
}

/// What is in the lists of this name, each on one line.
fn lists(run: &str, name: &str) -> Vec<String> {
    let begins = format!(" {name}: [");
    let lists = run.split(&begins).skip(1).filter_map(|rest| rest.split(']').next());
    lists.map(|list| list.split_whitespace().collect()).collect()
}

#[test]
fn a_run_that_hangs_is_shown_with_the_item_that_it_is_at() {
    watched(|| {
        let gate = Gate::default();
        let _opens = gate.open_on_drop();
        let closed = gate.clone();
        let mut results = par_map(0..100, 2, move |x: u32| {
            if x == 7 {
                closed.pass();
            }
            x
        })
        .max_in_flight(3271);
        assert!(results.by_ref().take(7).map(Result::unwrap).eq(0..7));
        gate.wait_for(1);
        // The other worker may be at any item meanwhile, or at the lock.
        eventually("the run is shown with its item", || {
            let run = run_with(3271).expect("it is there");
            lists(&run, "begun").contains(&"7,".into())
        });
        gate.open();
        assert!(results.by_ref().map(Result::unwrap).eq(7..100));
        drop(results);
        // Another test that shows all runs may have it for a moment.
        eventually("it is over", || run_with(3271).is_none());
    });
}

#[test]
fn a_run_that_hangs_in_its_source_is_shown_so() {
    watched(|| {
        let gate = Gate::default();
        let _opens = gate.open_on_drop();
        let closed = gate.clone();
        let source = (0..3).inspect(move |&x| {
            if x == 2 {
                closed.pass();
            }
        });
        let mut results = par_map(source, 2, |x: u32| x).max_in_flight(3272);
        assert!(results.by_ref().take(2).map(Result::unwrap).eq(0..2));
        gate.wait_for(1);
        eventually("the run is shown in its source", || {
            let run = run_with(3272).expect("it is there");
            run.contains(" in_source: true,") && run.contains(" pulled: 2,")
        });
        gate.open();
        assert!(results.map(Result::unwrap).eq(2..3));
    });
}
