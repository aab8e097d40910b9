//! One run, and what must be true of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mtask::ParStateful;
use mtask::backend::{Concurrent, Launch};
use mtask::prelude::*;

use super::obedient::{Build, Builds, Item, ObedientSpec, pause};
use crate::mtasklite::outcome::{Answer, Event, Fate, Policy, Seen, compare, read};

/// One run, in plain data: proptest makes it, shrinks it and prints it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) items: Vec<Item>,
    /// One for each worker.
    pub(super) builds: Vec<Builds>,
    pub(super) backend: Backend,
    pub(super) ordered: bool,
    pub(super) window: Window,
    pub(super) batch: Option<usize>,
    pub(super) policy: Policy,
    pub(super) flat: bool,
    pub(super) build_now: bool,
    pub(super) eager: bool,
    pub(super) sized: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Threads,
    Local,
    Scope,
    Inline,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Window {
    Default,
    Most(usize),
    Unbounded,
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

    /// Each failed build costs one item and is told with its worker, unless the run stopped
    /// before; only when every worker has been given up does an item fail without one.
    fn check_builds(&self, attempts: &[usize], seen: &Seen) -> Result<(), String> {
        let mut is_left = false;
        for (worker, (builds, &made)) in
            self.builds.iter().zip(attempts).take(self.workers()).enumerate()
        {
            let made = &builds[..made.min(builds.len())];
            let failed = made.iter().filter(|&&build| build != Build::Works).count();
            let told = seen.unbuilt.iter().filter(|&&by| by == Some(worker)).count();
            if told > failed || told < failed && self.policy != Policy::Stop {
                return Err(format!("worker {worker} failed {failed} builds and {told} are told"));
            }
            is_left |= !matches!(made, [.., a, b, c] if ![a, b, c].contains(&&Build::Works));
        }
        if is_left && seen.unbuilt.contains(&None) {
            return Err("an item found no worker, while one was left".to_owned());
        }
        Ok(())
    }

    /// Runs the case and compares.
    pub(super) fn check(&self) -> Result<(), String> {
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
        let attempts: Vec<_> = attempts.iter().map(|n| n.load(Ordering::SeqCst)).collect();
        self.check_builds(&attempts, &seen)
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
