//! The parent's side of one worker.

mod building;
mod items;
mod lanes;
mod reaping;

use std::mem;
use std::time::Instant;

pub(super) use items::{Asked, TryAgain};

use super::doing::Doing;
use super::order::Order;
use super::patience::Patience;
use super::process::Child;
use super::remote::ReadSummary;
use super::sent_spec::SentSpec;
use super::settings::Settings;
use super::stand_by::StandBy;
use crate::error::{GivenUp, ProcessEnd};
use crate::observe::stats::{Counters, Tally};
use crate::run::builds::Builds;
use crate::run::policy::Summaries;
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, lock};

/// One worker in a run: what it is built from, and the child it is in.
pub(super) struct Host {
    pub(super) number: usize,
    /// What it is built from.
    spec: SentSpec,
    settings: Arc<Settings>,
    /// How long children have at the end of the run.
    patience: Arc<Patience>,
    counters: Arc<Counters>,
    pub(super) doing: Doing,
    /// After how many items the child is restarted.
    lifespan: Option<usize>,
    /// How what the worker leaves is read, and where it goes.
    summaries: Option<(ReadSummary, Arc<Summaries>)>,
    /// When the run's workers are built.
    builds: Arc<Builds>,
    /// For which other lanes its own may stay.
    stand_by: Arc<StandBy>,
    /// The next process that cannot be started is the last one.
    is_last_try: AtomicBool,
    state: Mutex<State>,
    /// A child is there.
    up: AtomicBool,
    /// The worker of that child has panicked, and is yet to be built again.
    torn: AtomicBool,
    /// No child is to be started any more.
    over: AtomicBool,
    /// Where the lanes of a worker wait that is the only one.
    order: Option<Order<Child>>,
    /// Where a lane waits for the end of a child's time.
    ended: Condvar,
    gate: Mutex<Gate>,
    /// Where the second lane sleeps.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    child: Option<Arc<Child>>,
    /// Items that it has been sent, and those that it has answered.
    given: usize,
    served: usize,
    /// When children have died.
    deaths: Vec<Instant>,
    /// How the last one died that none has followed yet.
    ended: Option<ProcessEnd>,
    /// Why the last one could not be built.
    failure: Option<GivenUp>,
    /// Why there will be no more of them.
    retired: Option<GivenUp>,
}

/// What the second lane waits for.
#[derive(Default)]
struct Gate {
    /// Items are cheap enough for two frames under way.
    cheap: bool,
    /// The worker is retired.
    retired: bool,
    /// A lane is through.
    over: bool,
    /// How many lanes there are.
    lanes: usize,
    /// The child outlives them.
    keeps: bool,
}

impl Gate {
    fn is_open(&self) -> bool {
        self.cheap || self.retired || self.over
    }
}

/// What the hosts of a run have in common.
pub(super) struct Common<'a> {
    pub(super) settings: Arc<Settings>,
    pub(super) patience: Arc<Patience>,
    pub(super) builds: Arc<Builds>,
    pub(super) stand_by: Arc<StandBy>,
    pub(super) counters: &'a Arc<Counters>,
    /// How many lanes each has.
    pub(super) lanes: usize,
    pub(super) lifespan: Option<usize>,
    pub(super) summaries: &'a Option<Arc<Summaries>>,
}

impl State {
    /// That is the child.
    fn is(&self, child: &Arc<Child>) -> bool {
        self.child.as_ref().is_some_and(|it| Arc::ptr_eq(it, child))
    }
}

impl Host {
    pub(super) fn new(spec: SentSpec, number: usize, common: &Common<'_>) -> Self {
        let Common { settings, patience, builds, stand_by, counters, lanes, lifespan, summaries } =
            common;
        let summaries = spec.summary.zip(Option::clone(summaries));
        let gate = Gate { lanes: *lanes, keeps: settings.is_kept, ..Gate::default() };
        Self {
            number,
            spec,
            settings: Arc::clone(settings),
            patience: Arc::clone(patience),
            counters: Arc::clone(counters),
            doing: Doing::new(Arc::clone(counters), number),
            lifespan: *lifespan,
            summaries,
            builds: Arc::clone(builds),
            stand_by: Arc::clone(stand_by),
            is_last_try: AtomicBool::new(false),
            state: Mutex::default(),
            up: AtomicBool::new(false),
            torn: AtomicBool::new(false),
            over: AtomicBool::new(false),
            order: (settings.workers == 1 && *lanes == 2).then(Order::new),
            ended: Condvar::new(),
            gate: Mutex::new(gate),
            changed: Condvar::new(),
        }
    }

    /// The same, with the child of the worker's last run, of which no lane is left. What could not be
    /// built then is tried again.
    pub(super) fn after(mut self, last: &Self) -> Self {
        let mut state = mem::take(&mut *lock(&last.state));
        if let Some(child) = &state.child {
            child.set_patience(&self.patience);
            self.set_up(true);
        }
        if state.retired.is_some() {
            // Its child has given up too.
            if let Some(child) = state.child.take() {
                child.end();
            }
            self.set_up(false);
        }
        self.torn = AtomicBool::new(last.torn.load(Ordering::Relaxed));
        // One that was to have a longer time gets one item more, at which that ends.
        let most = self.lifespan.map_or(usize::MAX, |lifespan| lifespan - 1);
        let given = state.served.min(most);
        self.state = Mutex::new(State { retired: None, given, ..state });
        self
    }

    pub(super) fn tally(&self) -> &Tally {
        self.counters.worker(self.number)
    }

    pub(super) fn spec(&self) -> &SentSpec {
        &self.spec
    }

    pub(super) fn max_frame(&self) -> usize {
        self.settings.max_frame
    }
}
