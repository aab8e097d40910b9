//! A run: each worker's lanes, as threads of the engine's.

use std::fmt;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};

use serde::{Serialize, de::DeserializeOwned};

use super::Processes;
use super::host::Host;
use super::lane::{Lane, lanes};
use super::program::may_spawn;
use super::remote::RemoteSpec;
use crate::Worker;
#[cfg(feature = "stream")]
use crate::backend::LaunchPolled;
use crate::backend::{Job, Launch, Next};
use crate::bridge::{Finished, StopWhen};
use crate::care::Care;
use crate::source::Remote;
use crate::sync::{Arc, JoinHandle};
use crate::threads::enter::Loop;
use crate::threads::{Crew, PulledRun, Threads};

/// A run in processes.
#[doc(hidden)]
pub struct Run<I: Iterator, O> {
    inner: PulledRun<I, O, Crew<JoinHandle<()>>>,
    hosts: Arc<[Host]>,
}

impl<I: Iterator, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl<I: Iterator, O> Drop for Run<I, O> {
    fn drop(&mut self) {
        // Before the threads are joined, which wait for what their children have in hand.
        self.hosts.iter().for_each(Host::cancel);
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
        let mut settings = self.settings;
        settings.workers = job.team.specs.len();
        settings.shutdown_timeout = settings.shutdown_timeout.or(job.team.timeout);
        let settings = Arc::new(settings);
        let counters = &job.team.counters;
        let Care { retry, lifespan, ref summaries } = job.team.care;
        // What is tried again, or counted, is so item by item.
        let one_by_one = retry.is_some() || lifespan.is_some();
        let of = if one_by_one { 1 } else { lanes(job.team.specs.len()) };
        let specs = job.team.specs.iter().enumerate();
        let hosts: Arc<[Host]> = specs
            .map(|(number, spec)| {
                Host::new(spec, number, &settings, counters, of, lifespan, summaries)
            })
            .collect();
        let all = Arc::clone(&hosts);
        let inner = PulledRun::start(job, eager, of, |team, bridge, source| {
            let lanes = 0..team.specs.len() * of;
            let build_now = team.build_now;
            let workers: Vec<_> =
                (0..team.specs.len()).map(|number| team.trace.worker(number)).collect();
            let loops = lanes
                .map(|number| {
                    let (bridge, hosts) = (Arc::clone(bridge), Arc::clone(&all));
                    let lane = Lane { bridge, hosts, number, of, retry };
                    let pull = Remote(Arc::clone(source));
                    let trace = workers[number / of].clone();
                    Box::new(move || trace.enter(|| lane.work(pull, build_now))) as Loop<'_>
                })
                .collect();
            Crew::start(Threads::new(), loops, |builder, body| {
                may_spawn()?;
                builder.spawn(body)
            })
        });
        Run { inner, hosts }
    }

    #[inline(always)]
    fn ready(run: &mut Self::Run<I, S, W>) -> Option<Finished<W::Output>> {
        run.inner.ready()
    }

    fn next(run: &mut Self::Run<I, S, W>) -> Next<W::Output> {
        run.inner.next()
    }

    fn in_flight(run: &Self::Run<I, S, W>) -> (usize, usize) {
        run.inner.in_flight()
    }

    fn stop_when(run: &mut Self::Run<I, S, W>, stop: StopWhen<W::Output>) {
        run.inner.stop_when(stop);
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
        run.inner.poll(task)
    }
}
