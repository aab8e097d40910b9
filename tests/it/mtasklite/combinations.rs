//! Every combination of what can be chosen.
//!
//! Three products, each of them full:
//!
//! | Test | What is crossed with what |
//! |---|---|
//! | `options_*` | 0..=32 items x 1, 3, 4, 7 workers x order x windows of 1, 2, 4, 16 and unbounded x batches of 1, 2, 4 and adaptive x errors (none, one returned, one panic, all returned, all panics) x policy |
//! | `workers_*` | 0..=32 items x 1, 3, 4, 7 workers x order x functions, stateful, mixed x one, tuple, named arguments x sized or not x returned errors (none, one, all) |
//! | `leaving_early` | 0..=32 items x 1, 3, 4, 7 workers x order x window x batch x nothing started, started and nothing read, one item read |
//!
//! What one product crosses and another does not takes turns there, and so does whether errors
//! are flattened: for hundreds of different cases each, the same ones every time.

use std::time::Duration;

use super::cases::{
    ARGUMENTS, Argument, BATCHES, Case, ERRORS, Errors, KINDS, Kind, WINDOWS, WORKERS, leave, run,
};
use super::outcome::{POLICIES, Policy};
use crate::util::watched_for;

/// Far more than any of these takes, so that only a hang is caught.
const LIMIT: Duration = Duration::from_secs(300);

const ITEMS: std::ops::RangeInclusive<usize> = 0..=32;

/// The dimensions of every product.
fn each_size(mut f: impl FnMut(usize, usize, bool)) {
    for workers in WORKERS {
        for ordered in [true, false] {
            for items in ITEMS {
                f(items, workers, ordered);
            }
        }
    }
}

/// What another product crosses, a different one each time.
struct Turns(usize);

impl Turns {
    /// A number below `n`.
    fn next(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn kind(&mut self) -> Kind {
        KINDS[self.next(KINDS.len())]
    }

    fn argument(&mut self) -> Argument {
        ARGUMENTS[self.next(ARGUMENTS.len())]
    }

    fn either(&mut self) -> bool {
        self.next(2) == 0
    }
}

fn options(policy: Policy) {
    let mut turns = Turns(1);
    each_size(|items, workers, ordered| {
        for window in WINDOWS {
            for batch in BATCHES {
                for errors in ERRORS {
                    run(&Case {
                        items,
                        workers,
                        ordered,
                        window,
                        batch,
                        errors,
                        policy,
                        flat: turns.either(),
                        kind: turns.kind(),
                        argument: turns.argument(),
                        sized: turns.either(),
                    });
                }
            }
        }
    });
}

fn workers(kind: Kind) {
    let mut turns = Turns(2);
    each_size(|items, workers, ordered| {
        for argument in ARGUMENTS {
            for sized in [true, false] {
                for errors in [Errors::None, Errors::OneRefused, Errors::AllRefused] {
                    run(&Case {
                        items,
                        workers,
                        ordered,
                        window: WINDOWS[turns.next(WINDOWS.len())],
                        batch: BATCHES[turns.next(BATCHES.len())],
                        errors,
                        policy: POLICIES[turns.next(POLICIES.len())],
                        flat: turns.either(),
                        kind,
                        argument,
                        sized,
                    });
                }
            }
        }
    });
}

#[test]
fn options_with_errors_as_items() {
    watched_for(LIMIT, || options(Policy::Items));
}

#[test]
fn options_with_a_stop_on_error() {
    watched_for(LIMIT, || options(Policy::Stop));
}

#[test]
fn options_with_deferred_errors() {
    watched_for(LIMIT, || options(Policy::Defer));
}

#[test]
fn workers_that_are_functions() {
    watched_for(LIMIT, || workers(Kind::Function));
}

#[test]
fn workers_with_state() {
    watched_for(LIMIT, || workers(Kind::Stateful));
}

#[test]
fn workers_of_both_kinds() {
    watched_for(LIMIT, || workers(Kind::Mixed));
}

#[test]
fn leaving_early() {
    watched_for(LIMIT, || {
        let mut turns = Turns(3);
        each_size(|items, workers, ordered| {
            for window in WINDOWS {
                for batch in BATCHES {
                    leave(&Case {
                        items,
                        workers,
                        ordered,
                        window,
                        batch,
                        errors: Errors::None,
                        policy: Policy::Items,
                        flat: false,
                        kind: turns.kind(),
                        argument: turns.argument(),
                        sized: turns.either(),
                    });
                }
            }
        });
    });
}
