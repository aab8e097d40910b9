//! A run that has not started: what it will be.

use std::marker::PhantomData;

use super::{ParStateful, State};
use crate::Worker;
use crate::backend::Backend;
use crate::run::exit::Limits;
use crate::run::job::Options;
use crate::run::nested::Stage;
use crate::run::policy::Care;

/// All that a run needs to start.
pub(super) struct Plan<I, S, W: Worker, B> {
    pub(super) source: I,
    pub(super) specs: Vec<S>,
    pub(super) backend: B,
    pub(super) options: Options<W::Output>,
    pub(super) care: Care<W::Input, W::Output>,
    pub(super) build_now: bool,
    pub(super) limits: Limits,
    pub(super) stage: Stage,
    pub(super) worker: PhantomData<fn() -> W>,
}

impl<I, S, W: Worker, B> Plan<I, S, W, B> {
    pub(super) fn new(source: I, specs: Vec<S>, backend: B) -> Self {
        Self {
            source,
            specs,
            backend,
            options: Options::default(),
            care: Care::default(),
            build_now: false,
            limits: Limits::default(),
            stage: Stage::new(),
            worker: PhantomData,
        }
    }
}

impl<I, S, W, B> ParStateful<I, S, W, B>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
    B: Backend,
{
    /// The same run, not started yet, with other specs or on another backend.
    pub(super) fn replan<S2, B2: Backend>(
        self,
        change: impl FnOnce(Vec<S>, B) -> (Vec<S2>, B2),
    ) -> ParStateful<I, S2, W, B2> {
        let State::Ready(plan) = self.state else { unreachable!("`plan` has looked") };
        let Plan { source, specs, backend, options, care, build_now, limits, stage, worker } =
            *plan;
        let (specs, backend) = change(specs, backend);
        let plan = Plan { source, specs, backend, options, care, build_now, limits, stage, worker };
        ParStateful {
            trace: self.trace,
            state: State::Ready(Box::new(plan)),
            account: self.account,
            retries: self.retries,
            summaries: self.summaries,
        }
    }

    /// With the limits of a pool, which its own options may replace.
    pub(super) fn limited(mut self, limits: Limits) -> Self {
        self.plan("shutdown_timeout").limits = limits;
        self
    }

    /// What can be chosen before the run has started.
    #[track_caller]
    pub(super) fn plan(&mut self, option: &str) -> &mut Plan<I, S, W, B> {
        match &mut self.state {
            State::Ready(plan) => plan,
            _ => panic!("mtask: `.{option}(..)` came after the run had started: set it before"),
        }
    }
}
