//! One combination of what can be chosen: how it is run, and what must be true of it.

use std::sync::atomic::Ordering;

use mtask::ParStateful;
use mtask::prelude::*;

use super::inputs::{Counts, Input, NamedInput, Work};
use super::outcome::{Answer, Event, Fate, Policy, compare, read};
use crate::util::eventually;

/// One combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) items: usize,
    pub(super) workers: usize,
    pub(super) ordered: bool,
    /// `None` is unbounded.
    pub(super) window: Option<usize>,
    /// `None` is adaptive.
    pub(super) batch: Option<usize>,
    pub(super) errors: Errors,
    pub(super) policy: Policy,
    /// With `.flatten_errors()`.
    pub(super) flat: bool,
    pub(super) kind: Kind,
    pub(super) argument: Argument,
    pub(super) sized: bool,
}

pub(super) const WORKERS: [usize; 4] = [1, 3, 4, 7];
pub(super) const WINDOWS: [Option<usize>; 5] = [Some(1), Some(2), Some(4), Some(16), None];
pub(super) const BATCHES: [Option<usize>; 4] = [Some(1), Some(2), Some(4), None];

/// Which items fail, and how.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errors {
    None,
    OneRefused,
    OnePanics,
    AllRefused,
    AllPanic,
}

pub(super) const ERRORS: [Errors; 5] =
    [Errors::None, Errors::OneRefused, Errors::OnePanics, Errors::AllRefused, Errors::AllPanic];

/// What the workers are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Function,
    Stateful,
    /// Both in one list.
    Mixed,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Function, Kind::Stateful, Kind::Mixed];

/// What a worker's `call` takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument {
    One,
    Tuple,
    Named,
}

pub(super) const ARGUMENTS: [Argument; 3] = [Argument::One, Argument::Tuple, Argument::Named];

impl Case {
    pub(super) fn fate(&self, position: usize) -> Fate {
        let is_the_one = position == self.items / 2;
        match self.errors {
            Errors::OneRefused if is_the_one => Fate::Refused,
            Errors::OnePanics if is_the_one => Fate::Panics,
            Errors::AllRefused => Fate::Refused,
            Errors::AllPanic => Fate::Panics,
            _ => Fate::Fine,
        }
    }

    /// What the sequential `map` gives.
    fn events(&self) -> Vec<Event> {
        (0..self.items).map(|position| self.fate(position).event(position, self.flat)).collect()
    }
}

/// What is done with the run of a case.
trait Use {
    fn apply<I, S, W>(&self, results: ParStateful<I, S, W>)
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        S: Spec<W> + 'static,
        W: Worker<Input = I::Item, Output = Answer>;
}

/// Makes the run of a case and hands it over.
fn make(case: &Case, counts: &Counts, then: &impl Use) {
    match case.argument {
        Argument::One => of::<usize>(case, counts, then),
        Argument::Tuple => of::<(usize, String)>(case, counts, then),
        Argument::Named => of::<NamedInput>(case, counts, then),
    }
}

fn of<A: Input>(case: &Case, counts: &Counts, then: &impl Use) {
    let work = Work { case: *case, counts: counts.clone() };
    let function = || {
        let work = work.clone();
        worker_fn(move |input: A| work.call(input.position()))
    };
    let stateful = || A::stateful(work.clone());
    match case.kind {
        Kind::Function => over(case, counts, function().times(case.workers), then),
        Kind::Stateful => over(case, counts, stateful().times(case.workers), then),
        Kind::Mixed => {
            let specs = (0..case.workers).map(|worker| match worker % 2 {
                0 => stateful().boxed(),
                _ => function().boxed(),
            });
            over(case, counts, specs, then);
        }
    }
}

fn over<A, S, W>(case: &Case, counts: &Counts, specs: impl Iterator<Item = S>, then: &impl Use)
where
    A: Input,
    S: Spec<W> + 'static,
    W: Worker<Input = A, Output = Answer>,
{
    let Counts { pulled, yielded, in_flight, .. } = counts.clone();
    let source = (0..case.items).map(move |position| {
        let in_flight_now = pulled.add() + 1 - yielded.get();
        in_flight.fetch_max(in_flight_now, Ordering::SeqCst);
        A::at(position)
    });
    if case.sized {
        then.apply(with_options(case, par_stateful(source, specs)));
    } else {
        let mut source = source;
        let source = std::iter::from_fn(move || source.next());
        then.apply(with_options(case, par_stateful(source, specs)));
    }
}

fn with_options<I, S, W>(case: &Case, results: ParStateful<I, S, W>) -> ParStateful<I, S, W>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    let results = if case.ordered { results } else { results.unordered() };
    let results = match case.window {
        Some(window) => results.max_in_flight(window),
        None => results.unbounded(),
    };
    match case.batch {
        Some(batch) => results.chunk_size(batch),
        None => results,
    }
}

/// Runs a case to its end and checks all that must be true of it.
pub(super) fn run(case: &Case) {
    struct ToTheEnd<'a>(&'a Case, &'a Counts);

    impl Use for ToTheEnd<'_> {
        fn apply<I, S, W>(&self, results: ParStateful<I, S, W>)
        where
            I: Iterator + Send + 'static,
            I::Item: Send + 'static,
            S: Spec<W> + 'static,
            W: Worker<Input = I::Item, Output = Answer>,
        {
            let Self(case, counts) = self;
            let seen = read(results, case.policy, case.flat, || {
                counts.yielded.add();
            });
            let outcome = seen.and_then(|seen| {
                compare(&case.events(), case.policy, case.ordered, &seen.events)?;
                check_hints(case, &seen.hints)
            });
            outcome.unwrap_or_else(|why| panic!("{case:?}\n{why}"));
        }
    }

    let counts = Counts::default();
    make(case, &counts, &ToTheEnd(case, &counts));
    let each = case.events();
    let fails = each.iter().any(|event| matches!(event, Event::Error { .. }));
    if case.policy != Policy::Stop || !fails {
        assert_eq!(counts.calls.get(), case.items, "each item is run once: {case:?}");
    } else {
        assert!(counts.calls.get() <= case.items, "no item is run twice: {case:?}");
    }
    // Deferred errors have left the run where the counter of the consumer cannot see them go.
    if case.policy != Policy::Defer || !fails {
        check_bound(case, &counts);
    }
    eventually("the workers are gone", || counts.alive.get() == 0);
}

/// Leaves a case early: before it starts, before an item is read, after one.
pub(super) fn leave(case: &Case) {
    struct After<'a>(&'a Case, &'a Counts, Option<usize>);

    impl Use for After<'_> {
        fn apply<I, S, W>(&self, results: ParStateful<I, S, W>)
        where
            I: Iterator + Send + 'static,
            I::Item: Send + 'static,
            S: Spec<W> + 'static,
            W: Worker<Input = I::Item, Output = Answer>,
        {
            let Self(case, counts, read) = self;
            let Some(read) = *read else { return drop(results) };
            let mut results = results.start();
            for position in 0..read.min(case.items) {
                let item = results.next().unwrap_or_else(|| panic!("item {position}: {case:?}"));
                counts.yielded.add();
                let item = item.unwrap_or_else(|error| panic!("{error}: {case:?}"));
                let item = item.unwrap_or_else(|error| panic!("{error}: {case:?}"));
                assert!(item == position || !case.ordered, "{item} came first: {case:?}");
            }
            drop(results);
        }
    }

    for read in [None, Some(0), Some(1)] {
        let counts = Counts::default();
        make(case, &counts, &After(case, &counts, read));
        if read.is_none() {
            assert_eq!(counts.pulled.get(), 0, "nothing started: {case:?}");
            assert_eq!(counts.calls.get(), 0, "nothing started: {case:?}");
        }
        check_bound(case, &counts);
        eventually("the workers are gone", || counts.alive.get() == 0);
    }
}

fn check_bound(case: &Case, counts: &Counts) {
    let in_flight = counts.in_flight.load(Ordering::SeqCst);
    let window = case.window.unwrap_or(usize::MAX);
    assert!(in_flight <= window, "{in_flight} items were in flight: {case:?}");
}

/// The hint counts what is still to be yielded, where the policy lets it.
fn check_hints(case: &Case, hints: &[(usize, Option<usize>)]) -> Result<(), String> {
    for (yielded, &(least, most)) in hints.iter().enumerate() {
        let left = hints.len() - 1 - yielded;
        if least > left || most.is_some_and(|most| most < left) {
            return Err(format!("{left} items are left and the hint is {:?}", (least, most)));
        }
        if case.policy == Policy::Items && case.sized && (least, most) != (left, Some(left)) {
            return Err(format!("{left} items are left and the hint is {:?}", (least, most)));
        }
    }
    Ok(())
}
