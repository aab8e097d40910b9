//! The lanes of a run: two for each worker, or one, as threads of the engine's.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::Processes;
use super::crossing::Crossing;
use super::host::{Common, Host};
use super::lane::{Lane, lanes};
use super::patience::{Over, Patience};
use super::program::may_spawn;
use super::remote::RemoteSpec;
use super::sent_spec::SentSpec;
use super::stand_by::StandBy;
use crate::Worker;
use crate::bridge::{Bridge, Pull};
use crate::run::builds::Builds;
use crate::run::exit::End;
use crate::run::job::Team;
use crate::run::team::enter::Loop;
use crate::run::team::{Crew, Hands, SpawnedPanics, Started, ThreadSettings};
use crate::sync::{Arc, JoinHandle};

/// How much longer than their processes lanes are waited for at an early end.
const REAPING: Duration = Duration::from_secs(1);

/// The lanes of a run, on threads of their own.
pub struct Lanes {
    crew: Crew<JoinHandle<()>>,
    hosts: Arc<[Host]>,
    patience: Arc<Patience>,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("workers", &self.hosts.len()).finish_non_exhaustive()
    }
}

impl Hands for Lanes {
    fn join(self, end: &End<'_>) -> Vec<usize> {
        if end.early {
            self.patience.leave();
        }
        // Lanes wait for what their children have in progress.
        self.hosts.iter().for_each(Host::cancel);
        // Which are killed in time. A lane that is long after that is at code of the caller's, as that of an input's
        // destructor, or waits for a process that the system does not let go.
        let limit = self.patience.limit(Over::Shutdown).saturating_add(REAPING);
        self.crew.join(&End { timeout: end.early.then_some(limit), ..*end });
        // Each leaves what it leaves by itself.
        Vec::new()
    }
}

/// Starts the lanes at the `hosts`, `of` for each, each of which pulls by what `pull` gives.
pub(super) fn begin<S, W, C, P>(
    team: Team<S, W>,
    bridge: &Arc<Bridge<W::Input, W::Output>>,
    pull: &dyn Fn() -> P,
    of: usize,
    (hosts, patience): (Arc<[Host]>, Arc<Patience>),
) -> (Lanes, Started)
where
    W: Worker,
    W::Input: Send + 'static,
    W::Output: Send + 'static,
    C: Crossing<W::Input, W::Output> + 'static,
    P: Pull<W::Input> + Send + 'static,
{
    #[cfg(debug_assertions)]
    crate::bridge::live::register(bridge);
    let again = team.care.again;
    let build_now = team.build_now;
    let workers: Vec<_> = (0..team.specs.len()).map(|number| team.trace.worker(number)).collect();
    let loops = (0..team.specs.len() * of)
        .map(|number| {
            let (bridge, hosts) = (Arc::clone(bridge), Arc::clone(&hosts));
            let control = Arc::clone(&team.control);
            let lane: Lane<_, _, C> =
                Lane { bridge, control, hosts, number, of, again, crossing: PhantomData };
            let pull = pull();
            let (trace, alive) = (workers[number / of].clone(), Arc::clone(&team.alive));
            Box::new(move || {
                let _alive = alive;
                trace.enter(|| lane.work(pull, build_now));
            }) as Loop<'_>
        })
        .collect();
    let panics = SpawnedPanics::of(&team.counters, &team.trace);
    let (crew, started) = crew(loops, panics);
    (Lanes { crew, hosts, patience }, started)
}

/// Starts a thread for each loop.
fn crew(loops: Vec<Loop<'static>>, panics: SpawnedPanics) -> (Crew<JoinHandle<()>>, Started) {
    let threads = ThreadSettings::default().stack_size(stack());
    Crew::start(threads, loops, panics, &|builder, body| {
        may_spawn()?;
        builder.spawn(body)
    })
}

/// The bytes of a lane's stack: as much as a main thread mostly has, since inputs that the program has made there
/// are encoded and dropped on a lane; or more, where more is set for threads that ask for nothing.
fn stack() -> usize {
    let set = std::env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    set.unwrap_or(0).max(8 << 20)
}

impl Processes {
    /// How many loops there are for each of so many workers.
    pub(super) fn lanes(&self, workers: usize) -> usize {
        lanes(workers, self.settings.task_timeout.is_some())
    }

    /// Starts workers that the run's specs have `inside` them.
    pub(super) fn begin<S, W, C, R, V, P>(
        self,
        team: Team<S, W>,
        bridge: &Arc<Bridge<W::Input, W::Output>>,
        pull: &dyn Fn() -> P,
        inside: impl Fn(&S) -> R,
    ) -> (Lanes, Started)
    where
        W: Worker,
        W::Input: Send + 'static,
        W::Output: Send + 'static,
        C: Crossing<W::Input, W::Output> + 'static,
        R: RemoteSpec<V>,
        V: Worker,
        P: Pull<W::Input> + Send + 'static,
    {
        let lanes = self.lanes(team.specs.len());
        let patience = Arc::new(self.settings.patience(team.limits, Some(&team.control)));
        let common = Common {
            settings: Arc::new(self.settings.of_run(team.specs.len())),
            patience: Arc::clone(&patience),
            builds: Arc::new(Builds::new(team.specs.len(), team.care.build_retry)),
            stand_by: Arc::new(StandBy::new(team.specs.len() * lanes)),
            counters: &team.counters,
            lanes,
            lifespan: team.care.lifespan,
            summaries: &team.care.summaries,
        };
        let mut hosts: Vec<Host> = Vec::new();
        for (number, spec) in team.specs.iter().enumerate() {
            let spec = SentSpec::of(&inside(spec), hosts.last().map(Host::spec));
            hosts.push(Host::new(spec, number, &common));
        }
        begin::<S, W, C, P>(team, bridge, pull, lanes, (hosts.into(), patience))
    }
}
