//! Where there are no processes yet: what compiles, and says so when it is run.

use std::io;
use std::marker::PhantomData;

use super::Processes;
use super::crossing::Crossing;
use super::remote::RemoteSpec;
use super::settings::Settings;
use crate::backend::{Limits, Seat};
use crate::bridge::{Bridge, Pull};
use crate::run::exit::End;
use crate::run::job::Team;
use crate::run::policy::Summaries;
use crate::run::pulled::AnyTrace;
use crate::run::team::{Hands, Started};
use crate::sync::Arc;
use crate::{TaskError, Worker};

/// A conversation with the parent, of which there is none here.
#[derive(Debug)]
pub enum Session {}

pub(super) fn serve<S, W>(session: &mut Session) -> io::Result<()> {
    match *session {}
}

/// What works at a run, which is nothing.
#[derive(Debug)]
pub struct Lanes;

impl Hands for Lanes {
    fn join(self, _: &End<'_>) -> Vec<usize> {
        Vec::new()
    }
}

fn refusal() -> io::Error {
    let what = "workers in processes are for Linux and macOS as yet: without `.backend(..)` they run in \
                threads";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

impl Processes {
    pub(super) fn lanes(&self, _workers: usize) -> usize {
        1
    }

    pub(super) fn begin<S, W, C, R, V, P>(
        self,
        _team: Team<S, W>,
        _bridge: &Arc<Bridge<W::Input, W::Output>>,
        _pull: &dyn Fn() -> P,
        _inside: impl Fn(&S) -> R,
    ) -> (Lanes, Started)
    where
        W: Worker,
        C: Crossing<W::Input, W::Output>,
        R: RemoteSpec<V>,
        V: Worker,
        P: Pull<W::Input>,
    {
        (Lanes, Err((0, refusal())))
    }
}

/// No processes, of which a pool is an error.
#[derive(Debug)]
pub struct Kept<S>(PhantomData<fn() -> S>);

impl<S> Kept<S> {
    pub(super) fn new(_: Vec<S>, _: Settings, _: Option<Arc<Summaries>>) -> Self {
        Self(PhantomData)
    }

    pub(super) fn lanes(&self) -> usize {
        1
    }

    pub(super) fn ready(&mut self) {}

    pub(super) fn begin<W, P>(
        &mut self,
        _team: Team<Seat, W>,
        _bridge: &Arc<Bridge<W::Input, W::Output>>,
        _pull: &dyn Fn() -> P,
    ) -> (Lanes, Started)
    where
        S: RemoteSpec<W>,
        W: Worker,
        P: Pull<W::Input>,
    {
        (Lanes, Err((0, refusal())))
    }

    pub(super) fn note(&mut self, _run: Box<dyn AnyTrace + Send>) {}

    pub(super) fn build<W: Worker>(&mut self) -> Result<(), TaskError>
    where
        S: RemoteSpec<W>,
    {
        Err(TaskError::start_failed(0, refusal()))
    }

    pub(super) fn end(&mut self, _: Limits, _: bool) {}
}
