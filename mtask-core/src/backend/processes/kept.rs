//! Workers in processes that are kept from one run to the next.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use serde::{Serialize, de::DeserializeOwned};

use super::crossing::Plain;
use super::host::{Common, Host};
use super::lane::lanes;
use super::lanes::{Lanes, begin};
use super::patience::Patience;
use super::program::may_spawn;
use super::remote::RemoteSpec;
use super::sent_spec::SentSpec;
use super::settings::Settings;
use super::stand_by::StandBy;
use crate::backend::Seat;
use crate::bridge::{Bridge, Pull};
use crate::observe::stats::Counters;
use crate::observe::trace::Scope;
use crate::run::builds::Builds;
use crate::run::exit::Limits;
use crate::run::job::Team;
use crate::run::policy::{Care, Summaries};
use crate::run::pulled::AnyTrace;
use crate::run::team::Started;
use crate::sync::Arc;
use crate::{Retry, TaskError, Worker};

/// Processes that hold a worker each, and the last run that they were in.
///
/// Each run has hosts and lanes of its own, as one has that is not of a pool; what goes from one run's hosts
/// to those of the next is the children.
pub struct Kept<S> {
    specs: Vec<S>,
    settings: Settings,
    summaries: Option<Arc<Summaries>>,
    /// Those of the last run, with the children; none before the first.
    hosts: Arc<[Host]>,
    /// That run, which may have been left early or forgotten.
    run: Option<Box<dyn AnyTrace + Send>>,
}

impl<S> fmt::Debug for Kept<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("workers", &self.specs.len()).finish_non_exhaustive()
    }
}

impl<S> Kept<S> {
    pub(super) fn new(
        specs: Vec<S>,
        settings: Settings,
        summaries: Option<Arc<Summaries>>,
    ) -> Self {
        let settings = Settings { is_kept: true, ..settings };
        Self { specs, settings, summaries, hosts: Arc::default(), run: None }
    }

    /// Waits for what is left of the last run, which is cancelled if it was forgotten.
    fn wait_for_last(&mut self) {
        if let Some(run) = self.run.take() {
            run.cancel();
        }
        self.hosts.iter().for_each(Host::wait_until_left);
    }

    /// Those of the next run, of which no lane of the last one is left.
    fn next_hosts<W: Worker>(
        &mut self,
        counters: &Arc<Counters>,
        lanes: usize,
        lifespan: Option<usize>,
        build_retry: Option<Retry>,
        patience: &Arc<Patience>,
    ) -> Arc<[Host]>
    where
        S: RemoteSpec<W>,
    {
        let settings = Arc::new(self.settings.of_run(self.specs.len()));
        let patience = Arc::clone(patience);
        let builds = Arc::new(Builds::new(self.specs.len(), build_retry));
        let stand_by = Arc::new(StandBy::new(self.specs.len() * lanes));
        let summaries = &self.summaries;
        let common =
            Common { settings, patience, builds, stand_by, counters, lanes, lifespan, summaries };
        let specs = self.specs.iter().enumerate();
        self.hosts = specs
            .map(|(number, spec)| match self.hosts.get(number) {
                Some(last) => Host::new(last.spec().clone(), number, &common).after(last),
                None => Host::new(SentSpec::of(spec, None), number, &common),
            })
            .collect();
        Arc::clone(&self.hosts)
    }

    /// How many loops there are for each worker.
    pub(super) fn lanes(&self) -> usize {
        lanes(self.specs.len(), self.settings.task_timeout.is_some())
    }

    /// Waits until none of the last run is left, for the next one.
    pub(super) fn ready(&mut self) {
        self.wait_for_last();
    }

    /// Starts the lanes of a run.
    pub(super) fn begin<W, P>(
        &mut self,
        team: Team<Seat, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
    ) -> (Lanes, Started)
    where
        S: RemoteSpec<W>,
        W: Worker,
        W::Input: Serialize + Send + 'static,
        W::Output: DeserializeOwned + Send + 'static,
        P: Pull<W::Input> + Send + 'static,
    {
        let lanes = self.lanes();
        let Team { counters, care: Care { lifespan, build_retry, .. }, limits, control, .. } =
            &team;
        let patience = Arc::new(self.settings.patience(*limits, Some(control)));
        let hosts = self.next_hosts(counters, lanes, *lifespan, *build_retry, &patience);
        begin::<Seat, W, Plain, P>(team, bridge, pull, lanes, (hosts, patience))
    }

    /// Notes the run that has started, which may be left early or forgotten.
    pub(super) fn note(&mut self, run: Box<dyn AnyTrace + Send>) {
        self.run = Some(run);
    }

    /// Builds the workers that are not there yet, all at once.
    ///
    /// # Errors
    ///
    /// That of the first worker, by its number, which could not be built.
    pub(super) fn build<W: Worker>(&mut self) -> Result<(), TaskError>
    where
        S: RemoteSpec<W>,
    {
        self.wait_for_last();
        may_spawn().map_err(|error| TaskError::start_failed(0, error))?;
        let counters = Arc::new(Counters::new(self.specs.len()));
        let patience = Arc::new(self.settings.patience(Limits::default(), None));
        let hosts = self.next_hosts(&counters, 0, None, None, &patience);
        let trace = Scope::here();
        // Nobody else has the pool, so that nothing can end it.
        let pause = |time| {
            thread::sleep(time);
            true
        };
        let outcomes = all_at_once(&hosts, |host| {
            trace.worker(host.number).enter(|| host.build(&|| false, &pause))
        });
        outcomes.into_iter().collect()
    }

    /// Ends the processes, and waits for them; if `whole`, also for lanes that the last run has left in its source.
    pub(super) fn end(&mut self, limits: Limits, whole: bool) {
        if whole {
            self.wait_for_last();
        } else if let Some(run) = self.run.take() {
            run.cancel();
        }
        let patience = Arc::new(self.settings.patience(limits, None));
        all_at_once(&self.hosts, |host| host.dismiss(&patience));
    }
}

/// Does something with all hosts at once, each on a thread of its own where one can be had.
fn all_at_once<T: Send>(hosts: &[Host], task: impl Fn(&Host) -> T + Sync) -> Vec<T> {
    let task = &task;
    thread::scope(|scope| {
        let threads = hosts.iter().map(|host| {
            let name = format!("mtask-{}", host.number);
            let thread = thread::Builder::new().name(name).spawn_scoped(scope, move || task(host));
            thread.map_err(|_| host)
        });
        // All are started before one is waited for.
        let threads: Vec<_> = threads.collect();
        let done = threads.into_iter().map(|thread| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|payload| resume_unwind(payload)),
            Err(host) => task(host),
        });
        done.collect()
    })
}
