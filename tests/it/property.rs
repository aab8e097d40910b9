//! Any input, any mix of sleeps, errors, panics, failed builds and options gives what the
//! sequential `map` gives: item for item with index and kind in order, as a multiset out of order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use mtask::backend::{Concurrent, Launch};
use mtask::prelude::*;
use mtask::{BuildError, ParStateful};
use proptest::prelude::*;

use crate::mtasklite::outcome::{Answer, Event, Fate, Policy, Seen, compare, read};
use crate::util::watched;

/// One run, in plain data: proptest makes it, shrinks it and prints it.
#[derive(Clone, Debug)]
struct Case {
    items: Vec<Item>,
    /// One for each worker.
    builds: Vec<Builds>,
    backend: Backend,
    ordered: bool,
    window: Window,
    batch: Option<usize>,
    policy: Policy,
    flat: bool,
    build_now: bool,
    eager: bool,
    sized: bool,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    fate: Fate,
    /// How long its call sleeps, in microseconds.
    sleep: u64,
    /// How long the source sleeps before it gives the item, in microseconds.
    delay: u64,
}

/// How the attempts to build a worker end, one by one; after these all are well.
type Builds = Vec<Build>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    Works,
    Fails,
    Panics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Threads,
    Local,
    Scope,
    Inline,
}

#[derive(Clone, Copy, Debug)]
enum Window {
    Default,
    Most(usize),
    Unbounded,
}

/// A worker that does what its item says.
struct Obedient;

impl Worker for Obedient {
    type Input = (usize, Item);
    type Output = Answer;

    fn call(&mut self, (position, item): (usize, Item)) -> Answer {
        pause(item.sleep);
        item.fate.befall(position)
    }
}

#[derive(Clone)]
struct ObedientSpec {
    builds: Builds,
    attempts: Arc<AtomicUsize>,
}

impl Spec<Obedient> for ObedientSpec {
    fn build(&self) -> Result<Obedient, BuildError> {
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
        match self.builds.get(attempt) {
            Some(Build::Fails) => Err(BuildError::new("a failed build of a test")),
            Some(Build::Panics) => {
                std::panic::resume_unwind(Box::new("a panicking build of a test"))
            }
            Some(Build::Works) | None => Ok(Obedient),
        }
    }
}

fn pause(micros: u64) {
    if micros > 0 {
        sleep(Duration::from_micros(micros));
    }
}

impl Case {
    /// What the sequential `map` makes of each item where no build fails.
    fn events(&self) -> Vec<Event> {
        let items = self.items.iter().enumerate();
        items.map(|(position, item)| item.fate.event(position, self.flat)).collect()
    }

    /// How many of the workers there are a run uses.
    fn workers(&self) -> usize {
        if self.backend == Backend::Inline { 1 } else { self.builds.len() }
    }

    fn is_ordered(&self) -> bool {
        self.ordered || self.backend == Backend::Inline
    }

    /// `.build_now()` fails: there is one error in place of everything, unless the run is seen to
    /// be empty before it starts.
    fn fails_at_once(&self) -> bool {
        let first = |builds: &Builds| builds.first().is_some_and(|&build| build != Build::Works);
        self.build_now
            && self.builds[..self.workers()].iter().any(first)
            && !(self.items.is_empty() && self.sized)
    }

    /// What one worker makes of each item, by the rules for failed builds: such a build costs the
    /// item in hand, a panic asks for a new one, and three failures in a row are the end of it.
    fn events_of_one_worker(&self) -> Vec<Event> {
        let mut attempts = self.builds[0].iter().copied().chain(std::iter::repeat(Build::Works));
        let (mut is_built, mut failures) = (false, 0);
        if self.build_now && !self.items.is_empty() {
            is_built = attempts.next() == Some(Build::Works);
        }
        let mut events = self.events();
        for (position, event) in events.iter_mut().enumerate() {
            if !is_built && failures < 3 {
                is_built = attempts.next() == Some(Build::Works);
                failures = if is_built { 0 } else { failures + 1 };
            }
            if !is_built {
                *event = Event::error(TaskErrorKind::BuildFailed, position);
            } else if self.items[position].fate == Fate::Panics {
                is_built = false;
            }
        }
        events
    }

    /// What has to be seen, item by item. With several workers it is a matter of chance which
    /// items a failed build costs, so that this is taken from what was seen.
    fn expected(&self, seen: &Seen) -> Vec<Event> {
        if self.workers() == 1 {
            return self.events_of_one_worker();
        }
        let mut events = self.events();
        let mut strike = |index: Option<usize>| {
            if let Some(event) = index.and_then(|index| events.get_mut(index)) {
                *event = Event::error(TaskErrorKind::BuildFailed, index.unwrap_or_default());
            }
        };
        for event in &seen.events {
            match event {
                Event::Error { kind: TaskErrorKind::BuildFailed, index } => strike(*index),
                Event::Errors(errors) => {
                    for (kind, index) in errors {
                        if *kind == TaskErrorKind::BuildFailed {
                            strike(*index);
                        }
                    }
                }
                _ => {}
            }
        }
        events
    }

    /// Each failed build costs one item and is told with its worker; only when every worker has
    /// been given up does an item fail without one.
    fn check_builds(&self, attempts: &[usize], seen: &Seen) -> Result<(), String> {
        let ended_by_retirement = |worker: usize| {
            let made = attempts[worker].min(self.builds[worker].len());
            made >= 3 && self.builds[worker][made - 3..made].iter().all(|&b| b != Build::Works)
        };
        for worker in 0..self.workers() {
            let made = attempts[worker].min(self.builds[worker].len());
            let failed = self.builds[worker][..made].iter().filter(|&&b| b != Build::Works).count();
            let told = seen.unbuilt.iter().filter(|&&by| by == Some(worker)).count();
            if told != failed {
                return Err(format!(
                    "worker {worker} failed {failed} times to be built, {told} told"
                ));
            }
        }
        if seen.unbuilt.contains(&None) && !(0..self.workers()).all(ended_by_retirement) {
            return Err("an item found no worker, while one was left".to_owned());
        }
        Ok(())
    }

    /// Runs the case and compares.
    fn check(&self) -> Result<(), String> {
        let attempts: Vec<Arc<AtomicUsize>> = self.builds.iter().map(|_| Arc::default()).collect();
        let specs = self.builds.iter().zip(&attempts).map(|(builds, attempts)| ObedientSpec {
            builds: builds.clone(),
            attempts: Arc::clone(attempts),
        });
        let items = self.items.clone().into_iter().enumerate().inspect(|(_, item)| {
            pause(item.delay);
        });
        let seen = if self.sized {
            self.run(items, specs)
        } else {
            let mut items = items;
            self.run(std::iter::from_fn(move || items.next()), specs)
        }?;
        if self.fails_at_once() {
            return self.check_failure_at_once(&seen);
        }
        compare(&self.expected(&seen), self.policy, self.is_ordered(), &seen.events)?;
        if self.policy == Policy::Items {
            let attempts: Vec<_> = attempts.iter().map(|n| n.load(Ordering::SeqCst)).collect();
            self.check_builds(&attempts, &seen)?;
        }
        Ok(())
    }

    fn check_failure_at_once(&self, seen: &Seen) -> Result<(), String> {
        let (kind, index) = (TaskErrorKind::BuildFailed, None);
        let expected = match self.policy {
            Policy::Defer => Event::Errors(vec![(kind, index)]),
            _ => Event::Error { kind, index },
        };
        if seen.events == [expected] { Ok(()) } else { Err(format!("{:?}", seen.events)) }
    }

    /// Sends the items through the backend.
    fn run<I>(&self, items: I, specs: impl Iterator<Item = ObedientSpec>) -> Result<Seen, String>
    where
        I: Iterator<Item = (usize, Item)> + Send + 'static,
    {
        match self.backend {
            Backend::Threads => self.start_and_read(par_stateful(items, specs)),
            Backend::Local => self.start_and_read(par_stateful_local(items, specs)),
            Backend::Scope => {
                mtask::scope(|scope| self.start_and_read(scope.par_stateful(items, specs)))
            }
            Backend::Inline => {
                let results = self.with_options(par_stateful_local(items, specs)).inline();
                read(results, self.policy, self.flat, || {})
            }
        }
    }

    fn start_and_read<I, W, B>(
        &self,
        results: ParStateful<I, ObedientSpec, W, B>,
    ) -> Result<Seen, String>
    where
        I: Iterator,
        W: Worker<Input = I::Item, Output = Answer>,
        B: Concurrent + Launch<I, ObedientSpec, W>,
    {
        let results = self.with_options(results);
        let results = if self.eager { results.start() } else { results };
        read(results, self.policy, self.flat, || {})
    }

    fn with_options<I, W, B>(
        &self,
        results: ParStateful<I, ObedientSpec, W, B>,
    ) -> ParStateful<I, ObedientSpec, W, B>
    where
        I: Iterator,
        W: Worker<Input = I::Item>,
        B: Concurrent,
    {
        let results = if self.ordered { results } else { results.unordered() };
        let results = match self.window {
            Window::Default => results,
            Window::Most(window) => results.max_in_flight(window),
            Window::Unbounded => results.unbounded(),
        };
        let results = match self.batch {
            Some(batch) => results.batch_size(batch),
            None => results,
        };
        if self.build_now { results.build_now() } else { results }
    }
}

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
    let builds = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(build, 0..8)];
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
    #![proptest_config(config(2_000))]

    /// With everything chosen at random.
    #[test]
    fn a_run_gives_what_the_sequential_map_gives(case in cases()) {
        outcome(case)?;
    }

    /// With one worker, where it is known to the item what each failed build costs.
    #[test]
    fn failed_builds_of_one_worker_cost_what_they_must(
        case in cases(),
        builds in prop::collection::vec(
            prop_oneof![Just(Build::Works), Just(Build::Fails), Just(Build::Panics)],
            0..12,
        ),
    ) {
        outcome(Case { builds: vec![builds], ..case })?;
    }
}
