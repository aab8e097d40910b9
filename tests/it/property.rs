//! Any input, any mix of sleeps, errors, panics, failed builds and options gives what the
//! sequential `map` gives: item for item with index and kind in order, as a multiset out of order.

mod case;
mod obedient;

use case::{Backend, Case, Window};
use obedient::{Build, Builds, Item};
use proptest::prelude::*;

use crate::mtasklite::outcome::{Fate, Policy};
use crate::util::watched;

fn items() -> impl Strategy<Value = Vec<Item>> {
    let fate =
        prop_oneof![8 => Just(Fate::Fine), 1 => Just(Fate::Refused), 1 => Just(Fate::Panics)];
    let sleep = prop_oneof![4 => Just(0), 1 => 0..300u64];
    let delay = prop_oneof![9 => Just(0), 1 => 0..300u64];
    let item = (fate, sleep, delay).prop_map(|(fate, sleep, delay)| Item { fate, sleep, delay });
    prop::collection::vec(item, 0..80)
}

fn builds() -> impl Strategy<Value = Vec<Builds>> {
    let build = prop_oneof![
        2 => Just(Build::Works),
        2 => Just(Build::Fails),
        1 => Just(Build::Panics),
    ];
    // Each that fails takes a tenth of a second or two.
    let builds = prop_oneof![40 => Just(Vec::new()), 1 => prop::collection::vec(build, 1..=2)];
    prop::collection::vec(builds, 1..=6)
}

prop_compose! {
    fn cases()(
        items in items(),
        builds in builds(),
        backend in prop_oneof![
            Just(Backend::Inline),
            Just(Backend::Threads),
            Just(Backend::Local),
            Just(Backend::Scope),
        ],
        window in prop_oneof![
            Just(Window::Default),
            (1..40usize).prop_map(Window::Most),
            Just(Window::Unbounded),
        ],
        batch in prop::option::of(1..20usize),
        policy in prop_oneof![Just(Policy::Items), Just(Policy::Stop), Just(Policy::Defer)],
        (ordered, flat, build_now, eager, sized) in any::<(bool, bool, bool, bool, bool)>(),
    ) -> Case {
        Case {
            items, builds, backend, ordered, window, batch, policy, flat, build_now, eager, sized,
        }
    }
}

/// A run is a matter of milliseconds; with more of them the whole binary would wait for this.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn outcome(case: Case) -> Result<(), TestCaseError> {
    watched(move || case.check()).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(config(1_000))]

    /// With everything chosen at random.
    #[test]
    fn a_run_gives_what_the_sequential_map_gives(case in cases()) {
        outcome(case)?;
    }
}
