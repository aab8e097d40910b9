//! Where there are no processes yet: what compiles, and says so when it is run.

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use super::Processes;
use super::crossing::Crossing;
use super::remote::RemoteSpec;
use super::settings::Settings;
use crate::backend::Seat;
use crate::run::consumer::PulledRun;
use crate::run::job::Job;
use crate::run::policy::Summaries;
use crate::run::team::enter::Loop;
use crate::run::team::{Crew, SpawnedPanics, ThreadSettings};
use crate::sync::{Arc, JoinHandle};
use crate::{TaskError, Worker};

/// A conversation with the parent, of which there is none here.
#[derive(Debug)]
pub enum Session {}

pub(super) fn serve<S, W>(session: &mut Session) -> io::Result<()> {
    match *session {}
}

/// A run that is an error.
pub type Run<I, O> = PulledRun<I, O, Crew<JoinHandle<()>>>;

fn refused<I, S, W>(job: Job<I, S, W>, eager: bool) -> Run<I, W::Output>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    PulledRun::start(job, eager, 1, |team, _, _| {
        let loops = vec![Box::new(|| {}) as Loop<'_>];
        let panics = SpawnedPanics::of(&team.counters, &team.trace);
        Crew::start(Threads::new(), loops, panics, |_, _| Err(refusal()))
    })
}

fn refusal() -> io::Error {
    let what = "workers in processes are for Linux and macOS as yet: without `.backend(..)` they run in \
                threads";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

impl Processes {
    pub(super) fn start<I, S, W, C, R, V>(
        self,
        job: Job<I, S, W>,
        eager: bool,
        _inside: impl Fn(&S) -> &R,
    ) -> Run<I, W::Output>
    where
        I: Iterator,
        W: Worker<Input = I::Item>,
        C: Crossing<I::Item, W::Output>,
        R: RemoteSpec<V>,
        V: Worker,
    {
        refused(job, eager)
    }
}

/// No processes, of which a pool is an error.
#[derive(Debug)]
pub struct Kept<S>(PhantomData<fn() -> S>);

impl<S> Kept<S> {
    pub(super) fn new(_: Vec<S>, _: Settings, _: Option<Arc<Summaries>>) -> Self {
        Self(PhantomData)
    }

    pub(super) fn start<I, W>(&mut self, job: Job<I, Seat, W>, eager: bool) -> Run<I, W::Output>
    where
        I: Iterator,
        S: RemoteSpec<W>,
        W: Worker<Input = I::Item>,
    {
        refused(job, eager)
    }

    pub(super) fn build<W: Worker>(&mut self) -> Result<(), TaskError>
    where
        S: RemoteSpec<W>,
    {
        Err(TaskError::start_failed(0, refusal()))
    }

    pub(super) fn end(&mut self, _: Option<Duration>, _: bool) {}
}
