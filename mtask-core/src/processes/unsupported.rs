//! Where there are no processes yet: what compiles, and says so when it is run.

use std::io;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::Processes;
use super::remote::RemoteSpec;
use crate::backend::{Job, Launch, Reusable, by_pulled_run};
#[cfg(feature = "stream")]
use crate::backend::{LaunchPolled, poll_by_pulled_run};
use crate::care::Summaries;
use crate::error::BoxError;
use crate::pool::{Pooled, Seat};
use crate::sync::{Arc, JoinHandle};
use crate::threads::enter::Loop;
use crate::threads::{Crew, PulledRun, Threads};
use crate::{OkSpec, OkWorker, TaskError, TrySpec, TryWorker, Worker};

/// A conversation with the parent, of which there is none here.
#[derive(Debug)]
pub enum Session {}

pub(super) fn serve<S, W>(session: &mut Session, _: &[u8]) -> io::Result<()> {
    match *session {}
}

/// A run that is an error.
pub type Run<I, O> = PulledRun<I, O, Crew<JoinHandle<()>>>;

fn refused<I, S, W>(job: Job<I, S, W>, eager: bool) -> Run<I, W::Output>
where
    I: Iterator,
    W: Worker<Input = I::Item>,
{
    PulledRun::start(job, eager, 1, |_, _, _| {
        let loops = vec![Box::new(|| {}) as Loop<'_>];
        Crew::start(Threads::new(), loops, |_, _| Err(refusal()))
    })
}

fn refusal() -> io::Error {
    let what = "workers in processes are for Linux and macOS as yet: without `.backend(..)` they run in \
                threads";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

impl<S, W> Reusable<S, W> for Processes
where
    S: RemoteSpec<W> + 'static,
    W: Worker + 'static,
{
    type Kept = ();
    type Map<I: Iterator, O> = Run<I, O>;

    fn keep(self, _: Vec<S>, _: Option<Arc<Summaries>>) {}

    fn build((): &mut ()) -> Result<(), TaskError> {
        Err(TaskError::start_failed(0, refusal()))
    }

    fn end((): &mut (), _: Option<Duration>, _: bool) {}
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
        refused(job, eager)
    }

    by_pulled_run!(I, S, W);
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
    poll_by_pulled_run!(I, S, W);
}

#[diagnostic::do_not_recommend]
impl<I, S, W, E> Launch<I, OkSpec<S, E>, OkWorker<W, E>> for Processes
where
    I: Iterator<Item = Result<W::Input, E>> + Send + 'static,
    E: Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker,
    W::Input: Serialize + Send + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(
        self,
        job: Job<I, OkSpec<S, E>, OkWorker<W, E>>,
        eager: bool,
    ) -> Self::Run<I, OkSpec<S, E>, OkWorker<W, E>> {
        refused(job, eager)
    }

    by_pulled_run!(I, OkSpec<S, E>, OkWorker<W, E>);
}

#[diagnostic::do_not_recommend]
impl<I, S, W, T, E> Launch<I, TrySpec<S>, TryWorker<W>> for Processes
where
    I: Iterator<Item = Result<W::Input, TaskError>> + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Output = Result<T, E>>,
    W::Input: Serialize + Send + 'static,
    T: DeserializeOwned + Send + 'static,
    E: DeserializeOwned + Into<BoxError> + 'static,
{
    fn launch(
        self,
        job: Job<I, TrySpec<S>, TryWorker<W>>,
        eager: bool,
    ) -> Self::Run<I, TrySpec<S>, TryWorker<W>> {
        refused(job, eager)
    }

    by_pulled_run!(I, TrySpec<S>, TryWorker<W>);
}

impl<I, S, W> Launch<I, Seat, W> for Pooled<'_, S, W, Processes>
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    fn launch(self, job: Job<I, Seat, W>, eager: bool) -> Self::Run<I, Seat, W> {
        refused(job, eager)
    }

    by_pulled_run!(I, Seat, W);
}

#[cfg(feature = "stream")]
impl<I, S, W> LaunchPolled<I, Seat, W> for Pooled<'_, S, W, Processes>
where
    I: Iterator + Send + 'static,
    I::Item: Serialize + Send + 'static,
    S: RemoteSpec<W> + 'static,
    W: Worker<Input = I::Item> + 'static,
    W::Output: DeserializeOwned + Send + 'static,
{
    poll_by_pulled_run!(I, Seat, W);
}
