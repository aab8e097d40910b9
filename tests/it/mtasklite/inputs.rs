//! What the workers of the combinations take, and what they do with it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use mtask::prelude::*;

use super::cases::Case;
use super::outcome::Answer;
use crate::util::{Count, Token};

/// What is counted while a case runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: Count,
    /// Stateful workers that live.
    pub(super) alive: Count,
    pub(super) pulled: Count,
    pub(super) yielded: Count,
    /// The most items in flight, as the source saw it.
    pub(super) in_flight: Arc<AtomicUsize>,
}

/// What a worker does, whatever it is and takes.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) case: Case,
    pub(super) counts: Counts,
}

impl Work {
    pub(super) fn call(&self, position: usize) -> Answer {
        self.counts.calls.add();
        self.case.fate(position).befall(position)
    }
}

/// An input, and the stateful worker that takes it.
pub(super) trait Input: Send + 'static {
    type Worker: Worker<Input = Self, Output = Answer> + 'static;
    type Spec: Spec<Self::Worker> + 'static;

    fn at(position: usize) -> Self;
    fn position(self) -> usize;
    fn stateful(work: Work) -> Self::Spec;
}

/// A worker with one argument.
pub(super) struct One {
    work: Work,
    _alive: Token,
}

#[delayed_init]
impl One {
    pub(super) fn new(work: Work) -> Self {
        Self { _alive: work.counts.alive.token(), work }
    }

    fn call(&mut self, position: usize) -> Answer {
        self.work.call(position)
    }
}

impl Input for usize {
    type Worker = One;
    type Spec = OneSpec;

    fn at(position: usize) -> Self {
        position
    }

    fn position(self) -> usize {
        self
    }

    fn stateful(work: Work) -> OneSpec {
        One::spec(work)
    }
}

/// A worker with two arguments, which come as a tuple.
pub(super) struct Tuple {
    work: Work,
    _alive: Token,
}

#[delayed_init]
impl Tuple {
    pub(super) fn new(work: Work) -> Self {
        Self { _alive: work.counts.alive.token(), work }
    }

    fn call(&mut self, tens: usize, ones: &str) -> Answer {
        self.work.call((tens, ones.to_owned()).position())
    }
}

impl Input for (usize, String) {
    type Worker = Tuple;
    type Spec = TupleSpec;

    fn at(position: usize) -> Self {
        (position / 10, (position % 10).to_string())
    }

    fn position(self) -> usize {
        10 * self.0 + self.1.parse::<usize>().expect("it is a digit")
    }

    fn stateful(work: Work) -> TupleSpec {
        Tuple::spec(work)
    }
}

/// A worker with two arguments, which come by name.
pub(super) struct Named {
    work: Work,
    _alive: Token,
}

#[delayed_init(named)]
impl Named {
    pub(super) fn new(work: Work) -> Self {
        Self { _alive: work.counts.alive.token(), work }
    }

    pub(super) fn call(&mut self, ones: usize, tens: usize) -> Answer {
        self.work.call(NamedInput { tens, ones }.position())
    }
}

impl Input for NamedInput {
    type Worker = Named;
    type Spec = NamedSpec;

    fn at(position: usize) -> Self {
        Self { tens: position / 10, ones: position % 10 }
    }

    fn position(self) -> usize {
        10 * self.tens + self.ones
    }

    fn stateful(work: Work) -> NamedSpec {
        Named::spec(work)
    }
}
