//! Where there are no processes yet: what compiles, and says so when it is run.

use std::fmt;
use std::io;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};

use serde::{Serialize, de::DeserializeOwned};

use super::Processes;
use super::remote::RemoteSpec;
use crate::Worker;
#[cfg(feature = "stream")]
use crate::backend::LaunchPolled;
use crate::backend::{Job, Launch, Next};
use crate::bridge::{Finished, StopWhen};
use crate::sync::JoinHandle;
use crate::threads::enter::Loop;
use crate::threads::{Crew, PulledRun, Threads};

/// A conversation with the parent, of which there is none here.
#[derive(Debug)]
pub enum Session {}

pub(super) fn serve<S, W>(session: &mut Session, _: &[u8]) -> io::Result<()> {
    match *session {}
}

/// A run that is an error.
#[doc(hidden)]
pub struct Run<I: Iterator, O>(PulledRun<I, O, Crew<JoinHandle<()>>>);

impl<I: Iterator, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl<I, S, W> Launch<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(self, job: Job<I, S, W>, eager: bool) -> Self::Run<I, S, W> {
        let refused = |_, _| {
            Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "workers in processes are for Linux and macOS as yet: without `.backend(..)` they \
                 run in threads",
            ))
        };
        Run(PulledRun::start(job, eager, 1, |_, _, _| {
            Crew::start(Threads::new(), vec![Box::new(|| {}) as Loop<'_>], refused)
        }))
    }

    fn ready(run: &mut Self::Run<I, S, W>) -> Option<Finished<W::Output>> {
        run.0.ready()
    }

    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output> {
        run.0.next()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.0.stop_when(stop);
    }
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, S, W> for Processes
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn poll(run: &mut Self::Run<I, S, W>, task: &mut Context<'_>) -> Poll<Next<W::Output>> {
        run.0.poll(task)
    }
}
