//! One run, and what must be true of it.

use std::sync::Arc;

use mtask::ParStateful;
use mtask::backend::{Concurrent, Launch};
use mtask::prelude::*;

use super::obedient::{Builds, Item, ObedientSpec, pause};
use crate::mtasklite::outcome::{Answer, Event, Policy, Seen, compare, read};

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
    /// What the sequential `map` makes of each item: builds that fail cost none, as none fails three times
    /// before its worker was ever up.
    fn events(&self) -> Vec<Event> {
        let items = self.items.iter().enumerate();
        items.map(|(position, item)| item.fate.event(position, self.flat)).collect()
    }

    fn is_ordered(&self) -> bool {
        self.ordered || self.backend == Backend::Inline
    }

    /// Runs the case and compares.
    pub(super) fn check(&self) -> Result<(), String> {
        let specs = self
            .builds
            .iter()
            .map(|builds| ObedientSpec { builds: builds.clone(), attempts: Arc::default() });
        let items = self.items.clone().into_iter().enumerate().inspect(|(_, item)| {
            pause(item.delay);
        });
        let seen = if self.sized {
            self.run(items, specs)
        } else {
            let mut items = items;
            self.run(std::iter::from_fn(move || items.next()), specs)
        }?;
        compare(&self.events(), self.policy, self.is_ordered(), &seen.events)
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
            Some(batch) => results.chunk_size(batch),
            None => results,
        };
        if self.build_now { results.build_now() } else { results }
    }
}
