//! The parent's side of one worker.

mod reaping;

use std::fmt;
use std::mem;
use std::time::{Duration, Instant};

use super::batch::{Batch, Frame};
use super::body::{Status, Told};
use super::child::{NotBuilt, Panic};
use super::codec;
use super::crossing::Crossing;
use super::doing::Doing;
use super::order::Order;
use super::process::{Child, End, NotReady, UNREACHABLE};
use super::remote::ReadSummary;
use super::sent_spec::SentSpec;
use super::settings::Settings;
use super::starts::{ATTEMPTS, Begin, Failure, Starts};
use crate::care::{Place, Retry, Summaries};
use crate::error::{Elsewhere, Ended, GivenUp};
use crate::stats::{Counters, Tally};
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, lock, wait};
use crate::{BuildError, TaskError, TaskErrorKind, trace};

/// Failed builds in a row after which a worker is retired.
pub(super) const MAX_FAILED_BUILDS: usize = 3;
/// Children in a row that died before they had read an item, after which it counts as lost with them.
const MAX_UNREAD: usize = 3;
/// Items that take longer are left to those who have nothing to do, and not sent ahead.
const CHEAP: Duration = Duration::from_micros(200);

/// One worker in a run: what it is built from, and the child it is in.
pub(super) struct Host {
    pub(super) number: usize,
    /// What it is built from.
    spec: SentSpec,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    pub(super) doing: Doing,
    /// After how many items the child is started anew.
    lifespan: Option<usize>,
    /// How what the worker leaves is read, and where it goes.
    summaries: Option<(ReadSummary, Arc<Summaries>)>,
    /// When processes of the run's workers are started.
    starts: Arc<Starts>,
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
    /// Failed builds since the last success.
    failures: usize,
    /// When children have died.
    deaths: Vec<Instant>,
    /// How the last one died that none has followed yet.
    ended: Option<Ended>,
    /// Why the last one could not be started.
    failure: Option<Box<str>>,
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

/// What the hosts of a run have in common.
pub(super) struct Common<'a> {
    pub(super) settings: Arc<Settings>,
    pub(super) starts: Arc<Starts>,
    pub(super) counters: &'a Arc<Counters>,
    /// How many lanes each has.
    pub(super) lanes: usize,
    pub(super) lifespan: Option<usize>,
    pub(super) summaries: &'a Option<Arc<Summaries>>,
}

/// How an item that failed is tried again.
pub(super) struct Again<'a, T, O> {
    pub(super) retry: Retry<T, O>,
    /// Passes time; false where the run has been cancelled.
    pub(super) pause: &'a dyn Fn(Duration) -> bool,
}

/// What a lane asks for beside its items.
pub(super) struct Asked<'a, T, O> {
    /// Which of the worker's lanes it is.
    pub(super) lane: usize,
    pub(super) cancelled: &'a dyn Fn() -> bool,
    /// The result of an item is of use to the run, by its index.
    pub(super) is_wanted: &'a dyn Fn(usize) -> bool,
    pub(super) again: Option<Again<'a, T, O>>,
}

/// Why there is no child to send to.
enum NoChild {
    /// The worker could not be built, or not in time.
    Failed(NoBuild),
    /// Its process could not be started, which is tried again after so long.
    Later(Duration),
    /// There will be none any more.
    Retired,
}

/// What kept a worker from being built.
enum NoBuild {
    /// The child told of it, or nothing could be sent to one.
    Told(NotBuilt),
    /// The child was killed for the time that it took.
    TimedOut(Elsewhere),
}

impl NoBuild {
    /// As the error of an item, or of a build that was asked for at the start.
    fn into_error(self, index: Option<usize>, worker: usize) -> TaskError {
        match self {
            Self::Told(reason) => reason.into_error(index, worker),
            Self::TimedOut(what) => TaskError::elsewhere(index, worker, what),
        }
    }
}

impl fmt::Display for NoBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(reason) => write!(f, "{reason}"),
            Self::TimedOut(what) => write!(f, "it {what}"),
        }
    }
}

impl State {
    /// That is the child.
    fn is(&self, child: &Arc<Child>) -> bool {
        self.child.as_ref().is_some_and(|it| Arc::ptr_eq(it, child))
    }
}

impl Host {
    pub(super) fn new(spec: SentSpec, number: usize, common: &Common<'_>) -> Self {
        let Common { settings, starts, counters, lanes, lifespan, summaries } = common;
        let summaries = spec.summary.zip(Option::clone(summaries));
        let gate = Gate { lanes: *lanes, keeps: settings.is_kept, ..Gate::default() };
        Self {
            number,
            spec,
            settings: Arc::clone(settings),
            counters: Arc::clone(counters),
            doing: Doing::new(Arc::clone(counters), number),
            lifespan: *lifespan,
            summaries,
            starts: Arc::clone(starts),
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
            child.wait_at_most(self.settings.shutdown_timeout);
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
        self.state = Mutex::new(State { failures: 0, retired: None, given, ..state });
        self
    }

    /// Has items run and gives the result of each, in order; not of all where the worker is retired, or no
    /// process for it can be started for now. Gives what the last ones took, and how many those were.
    pub(super) fn run<T, O, C: Crossing<T, O>>(
        &self,
        batch: &mut Batch<O>,
        asked: &Asked<'_, T, O>,
        mut publish: impl FnMut(Option<usize>, Result<O, TaskError>),
    ) -> Option<(Duration, usize)> {
        let &Asked { lane, cancelled, is_wanted, ref again } = asked;
        let most = if self.settings.task_timeout.is_some() { 1 } else { usize::MAX };
        let mut pace = None;
        let mut unread = 0;
        let mut copied = Vec::new();
        let mut publish = |batch: &mut Batch<O>| {
            while let Some((result, is_ours)) = batch.publish() {
                if result.is_err() {
                    self.tally().failed();
                }
                let ran = is_ours.then_some(self.number);
                publish(result.as_ref().map_or_else(TaskError::worker, |_| ran), result);
            }
        };
        loop {
            publish(batch);
            if batch.index().is_none() {
                if let Some((index, why)) = batch.suspected.take() {
                    // It was none of them.
                    self.lose_summary(Some(index), TaskErrorKind::WorkerLost, &why);
                }
                return pace;
            }
            if self.over.load(Ordering::Relaxed) && !cancelled() {
                return pace;
            }
            if cancelled() {
                // Nobody will ask for it, but what was taken off a claim has to be published.
                batch.give_up(|index, _| TaskError::no_worker_left(index, None));
                continue;
            }
            let mut frame = batch.next(most);
            let Some(index) = batch.index_in(&frame) else {
                self.try_again(batch, again.as_ref());
                continue;
            };
            let child = match self.child(cancelled) {
                Ok(child) => child,
                Err(NoChild::Failed(reason)) => {
                    let begun = frame.attempt - 1;
                    let error = reason.into_error(Some(index), self.number).after(begun);
                    batch.answer(&mut frame, Err(error));
                    continue;
                }
                Err(NoChild::Later(_) | NoChild::Retired) => return pace,
            };
            if let Some(order) = &self.order {
                let is_over = || cancelled() || !child.is_alive() || !is_wanted(index);
                // What is before it in its batch has been sent, or needs not be.
                if !order.wait(lane, batch.start(), &child, is_over) {
                    if !is_wanted(index) {
                        batch.give_up(|index, _| TaskError::no_worker_left(index, None));
                    }
                    continue;
                }
            }
            frame.shorten(self.reserve(&child, frame.len()));
            if frame.len() == 0 {
                continue;
            }
            let bytes = batch.bytes(&frame, &mut copied);
            let mut end = match child.send(bytes, frame.attempt, cancelled) {
                Ok(number) => {
                    if let Some(order) = &self.order {
                        let with = batch.is_all_in(&frame).then_some(&child);
                        order.sent(lane, index, batch.end_of(&frame), with);
                    }
                    child.receive(number, frame.len(), cancelled, |told| {
                        let is_next = self.hear::<T, O, C>(batch, &mut frame, told, again.as_ref());
                        // At once, and before the other lane reads what comes next.
                        publish(batch);
                        is_next
                    })
                }
                Err(end) => end,
            };
            if let End::Ending = end {
                continue;
            }
            if let End::Unread = end {
                unread += 1;
                if unread == MAX_UNREAD {
                    end = End::Lost(child.kill(UNREACHABLE));
                }
            }
            if let End::Answered(took) = end {
                self.note_pace(took, frame.len());
                pace = Some((took, frame.len()));
                unread = 0;
                self.count_served(&child, frame.len());
                continue;
            }
            let limit = self.settings.task_timeout.filter(|_| matches!(end, End::TimedOut));
            let what = match end {
                End::Answered(_) | End::Ending | End::NotBegun | End::Unread => None,
                End::Lost(status) => Some(Elsewhere::Lost { status, building: false }),
                End::Astray(what) => Some(Elsewhere::Astray(what)),
                End::TimedOut => {
                    let limit = self.settings.task_timeout.unwrap_or_default();
                    Some(Elsewhere::TimedOut { limit, building: false })
                }
            };
            if let (Some(what), Some(index)) = (what, batch.index_in(&frame)) {
                let why = format!("it {what}");
                // What is sent again may have been run, and one of them have ended the process.
                batch.one_by_one |= frame.left() > 1;
                if frame.left() > 1 && matches!(what, Elsewhere::Lost { .. }) {
                    batch.suspected.get_or_insert((index, why));
                } else {
                    batch.suspected = None;
                    self.lose_summary(Some(index), what.kind(), &why);
                    let error = self.elsewhere(index, what).after(frame.attempt);
                    batch.answer(&mut frame, Err(error));
                }
            }
            // Not before: while the other lane has the worker built again, this waits.
            self.reap(&child, limit);
        }
    }

    /// Has those items be sent again that have failed, unless the run is cancelled meanwhile.
    fn try_again<T, O>(&self, batch: &mut Batch<O>, again: Option<&Again<'_, T, O>>) {
        if again.is_some_and(|again| !(again.pause)(again.retry.delay)) {
            batch.give_up(|index, _| TaskError::no_worker_left(index, None));
            return;
        }
        batch.retry(|index, attempt| {
            self.tally().retried();
            trace::retried(self.number, index, attempt);
        });
    }

    /// Takes what a child tells of a frame's next item; false where it is of another one.
    fn hear<T, O, C: Crossing<T, O>>(
        &self,
        batch: &mut Batch<O>,
        frame: &mut Frame,
        told: Told<'_>,
        again: Option<&Again<'_, T, O>>,
    ) -> bool {
        let Some(index) = batch.index_in(frame) else { return false };
        let Told { status, bytes, .. } = told;
        if told.index != index as u64 {
            return false;
        }
        if let Status::Done | Status::Panicked = status {
            if self.torn.load(Ordering::Relaxed) {
                // The child has built it again.
                self.built(&mut lock(&self.state), None);
            }
            self.torn.store(status == Status::Panicked, Ordering::Relaxed);
        }
        let attempt = frame.attempt;
        let place = Place { index, worker: self.number, attempt };
        let result = match status {
            Status::NotRun => {
                frame.pass();
                return true;
            }
            Status::Done => codec::decode_as(bytes, |told| {
                let output = C::receive(told, &place);
                match again {
                    Some(again) => (again.retry.flatten)(output, &place),
                    None => Ok(output),
                }
            })
            .unwrap_or_else(|error| {
                let reason = format!("its output cannot be decoded: {error}");
                Err(self.elsewhere(index, Elsewhere::NoResult(reason)).after(attempt))
            }),
            failed => {
                let error = self
                    .error(failed, bytes, index)
                    .unwrap_or_else(|reason| self.elsewhere(index, Elsewhere::NoResult(reason)));
                Err(error.after(attempt - usize::from(failed == Status::NotBuilt)))
            }
        };
        let is_due = |error: &TaskError| again.is_some_and(|it| it.retry.is_due(attempt, error));
        if result.as_ref().is_err_and(is_due) {
            batch.fail(frame, result);
        } else {
            batch.answer(frame, result);
        }
        true
    }

    /// Counts items that the child has answered, and ends it where its time is over.
    fn count_served(&self, child: &Arc<Child>, count: usize) {
        let Some(most) = self.lifespan else { return };
        let mut state = lock(&self.state);
        state.served += count;
        if state.served >= most && state.is(child) {
            self.set_up(false);
            let served = state.served;
            // It is left there, so that none is started before it has ended.
            drop(state);
            trace::lifespan_over(self.number, served);
            self.end(child);
            lock(&self.state).child = None;
            self.ended.notify_all();
        }
    }

    /// How many of so many items a child is to be sent: no more than are left of its time. Waits for its end
    /// where none are, which comes with what the other lane has under way.
    fn reserve(&self, child: &Arc<Child>, wanted: usize) -> usize {
        let Some(lifespan) = self.lifespan else { return wanted };
        let mut state = lock(&self.state);
        while state.is(child) && state.given >= lifespan {
            state = wait(&self.ended, state);
        }
        if !state.is(child) {
            return 0;
        }
        let most = wanted.min(lifespan - state.given);
        state.given += most;
        most
    }

    pub(super) fn tally(&self) -> &Tally {
        self.counters.worker(self.number)
    }

    /// The error that a child tells of.
    fn error(&self, status: Status, bytes: &[u8], index: usize) -> Result<TaskError, String> {
        Ok(match status {
            Status::Panicked => {
                let Panic { message, location } = codec::decode(bytes)?;
                Counters::count(&self.counters.panics);
                self.lose_summary(Some(index), TaskErrorKind::Panicked, &message);
                trace::panicked(self.number, index, &message);
                self.elsewhere(index, Elsewhere::Panicked { message, location })
            }
            Status::NotBuilt => {
                let reason: NotBuilt = codec::decode(bytes)?;
                self.failed(&mut lock(&self.state), reason.to_string());
                reason.into_error(Some(index), self.number)
            }
            _ => self.elsewhere(index, Elsewhere::NoResult(codec::decode(bytes)?)),
        })
    }

    fn elsewhere(&self, index: usize, what: Elsewhere) -> TaskError {
        TaskError::elsewhere(Some(index), self.number, what)
    }

    /// The child, which is started where there is none.
    fn child(&self, cancelled: &dyn Fn() -> bool) -> Result<Arc<Child>, NoChild> {
        let mut state = lock(&self.state);
        if let Some(child) = &state.child {
            if child.is_alive() {
                return Ok(Arc::clone(child));
            }
            let child = Arc::clone(child);
            self.reap_last(&mut state, &child, None);
        }
        self.start(&mut state, cancelled)
    }

    /// Starts a child and has it build the worker.
    fn start(
        &self,
        state: &mut State,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Arc<Child>, NoChild> {
        if state.retired.is_some() || self.over.load(Ordering::Relaxed) {
            return Err(NoChild::Retired);
        }
        let start = Instant::now();
        let is_last_try = self.is_last_try.load(Ordering::Relaxed);
        match self.starts.begin(self.number, is_last_try, start) {
            Begin::Now => {}
            Begin::Later(left) => return Err(NoChild::Later(left)),
            Begin::Never(reason) => {
                self.retire(state, &reason, GivenUp::Process(reason.clone()));
                return Err(NoChild::Retired);
            }
        }
        self.doing.build(start);
        let begun = match self.spec.hello(self.number, self.summaries.is_some(), &self.settings) {
            Ok(hello) => Child::start(self.number, &self.settings, hello, cancelled),
            Err(reason) => Err(NotReady::NotBuilt(NotBuilt::Refused(reason))),
        };
        let now = Instant::now();
        let took = now - start;
        self.doing.built(now);
        self.tally().spent_building(took);
        let failure = match begun {
            Ok(child) => {
                if let Some(ended) = state.ended.take() {
                    trace::process_restarted(self.number, ended);
                }
                self.built(state, Some(took));
                (state.given, state.served) = (0, 0);
                self.torn.store(false, Ordering::Relaxed);
                let child = Arc::new(child);
                state.child = Some(Arc::clone(&child));
                self.set_up(true);
                return Ok(child);
            }
            Err(NotReady::NotBuilt(reason)) => NoBuild::Told(reason),
            Err(NotReady::TimedOut(limit)) => {
                NoBuild::TimedOut(Elsewhere::TimedOut { limit, building: true })
            }
            Err(NotReady::NoProcess(reason)) => {
                return Err(self.not_started(state, reason, false, cancelled));
            }
            Err(NotReady::Late(limit)) => {
                let reason = format!("it {}", Elsewhere::Late(limit));
                return Err(self.not_started(state, reason, true, cancelled));
            }
            Err(NotReady::Lost(status)) => {
                let reason = format!("it {}", Elsewhere::Lost { status, building: true });
                return Err(self.not_started(state, reason, false, cancelled));
            }
        };
        self.starts.down(self.number, now);
        self.failed(state, failure.to_string());
        Err(NoChild::Failed(failure))
    }

    /// Counts a process that could not be started or died before its worker was built, unless it was ended with
    /// its run.
    fn not_started(
        &self,
        state: &mut State,
        reason: String,
        is_late: bool,
        cancelled: &dyn Fn() -> bool,
    ) -> NoChild {
        let now = Instant::now();
        if cancelled() || self.over.load(Ordering::Relaxed) {
            self.starts.down(self.number, now);
            return NoChild::Retired;
        }
        let is_last_try = self.is_last_try.load(Ordering::Relaxed);
        let failure = Failure { reason: &reason, is_late, is_last_try };
        let (failures, pause) = self.starts.failed(self.number, &failure, now);
        Counters::count(&self.counters.failed_builds);
        trace::build_failed(self.number, failures as usize, || reason.as_str().into());
        let Some(pause) = pause else {
            self.retire(state, &reason, GivenUp::Process(reason.as_str().into()));
            return NoChild::Retired;
        };
        state.failure = Some(reason.into());
        NoChild::Later(pause)
    }

    /// Counts a build that came to something.
    fn built(&self, state: &mut State, took: Option<Duration>) {
        state.failures = 0;
        self.counters.built(self.number);
        trace::built(self.number, took);
    }

    /// Counts a build that failed, and retires the worker at the third in a row.
    fn failed(&self, state: &mut State, reason: String) {
        Counters::count(&self.counters.failed_builds);
        state.failures += 1;
        trace::build_failed(self.number, state.failures, || reason.as_str().into());
        if state.failures >= MAX_FAILED_BUILDS {
            self.retire(state, &reason, GivenUp::Builds(reason.as_str().into()));
        }
    }

    fn retire(&self, state: &mut State, reason: &str, why: GivenUp) {
        if state.retired.is_none() {
            Counters::count(&self.counters.retired);
            trace::retired(self.number, reason);
            state.retired = Some(why);
            self.starts.retire(self.number);
            lock(&self.gate).retired = true;
            self.changed.notify_all();
        }
    }

    /// Builds the worker where it is not there, with no item in progress. `pause` backs off between attempts
    /// to start its process, of which there are as many as are made where no worker ever was up.
    pub(super) fn build(
        &self,
        cancelled: &dyn Fn() -> bool,
        pause: &dyn Fn(Duration) -> bool,
    ) -> Result<(), TaskError> {
        if self.torn.swap(false, Ordering::Relaxed) {
            // It builds no worker before it has an item.
            self.end_child();
        }
        let mut attempt = 1;
        loop {
            let reason = match self.child(cancelled) {
                Ok(_) => return Ok(()),
                Err(NoChild::Failed(reason)) => {
                    return Err(reason.into_error(None, self.number));
                }
                Err(NoChild::Later(left)) if attempt < ATTEMPTS && pause(left) => {
                    attempt += 1;
                    continue;
                }
                Err(NoChild::Later(_)) => lock(&self.state).failure.as_deref().map(str::to_owned),
                Err(NoChild::Retired) => self.given_up().map(|why| why.to_string()),
            };
            let reason = reason.unwrap_or_else(|| "the run is over".to_owned());
            return Err(TaskError::build_failed(None, self.number, BuildError::from(reason)));
        }
    }

    fn set_up(&self, is_up: bool) {
        self.up.store(is_up, Ordering::Relaxed);
        if is_up {
            self.starts.up(self.number);
        } else {
            self.starts.down(self.number, Instant::now());
        }
    }

    /// There is a child that has built the worker.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(super) fn is_retired(&self) -> bool {
        lock(&self.gate).retired
    }

    /// No more children are started, or none for the items of this run.
    pub(super) fn is_through(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.is_retired()
    }

    /// How long until a process is tried again that could not be started; none where there is no such need.
    pub(super) fn pause(&self) -> Option<Duration> {
        if self.is_last_try.load(Ordering::Relaxed) {
            return None;
        }
        self.starts.left(self.number, Instant::now())
    }

    /// Has the next process that cannot be started be the last one: the run is to come to its end.
    pub(super) fn try_once_more(&self) {
        self.is_last_try.store(true, Ordering::Relaxed);
    }

    /// Why there will be no more children.
    pub(super) fn given_up(&self) -> Option<GivenUp> {
        lock(&self.state).retired.clone()
    }

    pub(super) fn spec(&self) -> &SentSpec {
        &self.spec
    }

    pub(super) fn max_frame(&self) -> usize {
        self.settings.max_frame
    }

    /// Takes note that a lane is through with items, which ended at `end`: also with those that were not sent.
    pub(super) fn batch_done(&self, lane: usize, end: usize) {
        if let Some(order) = &self.order {
            order.done(lane, end);
        }
    }

    /// Waits until items are so cheap that a second frame is worth while, the worker is retired, or
    /// another lane is through.
    pub(super) fn wait_for_cheap_items(&self) {
        let mut gate = lock(&self.gate);
        while !(gate.cheap || gate.retired || gate.over) {
            gate = wait(&self.changed, gate);
        }
    }

    /// Takes note of what items took.
    fn note_pace(&self, took: Duration, count: usize) {
        let cheap = self.settings.task_timeout.is_none()
            && took < CHEAP * u32::try_from(count).unwrap_or(u32::MAX);
        let mut gate = lock(&self.gate);
        if gate.cheap != cheap {
            gate.cheap = cheap;
            drop(gate);
            self.changed.notify_all();
        }
    }

    /// Has the child be through when it is so with the item in hand, and no other be started.
    pub(super) fn cancel(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.starts.cancel();
        // The first lane may be inside the source, and not leave.
        lock(&self.gate).over = true;
        self.changed.notify_all();
        self.tell(Child::tell_cancelled);
    }

    /// Tells the child something, where there is one; one that is being started is told by who waits for it.
    fn tell(&self, word: impl FnOnce(&Child)) {
        if let Ok(state) = self.state.try_lock()
            && let Some(child) = &state.child
        {
            word(child);
        }
    }

    /// A lane is through with its items, of which there are no more. The first one of a worker keeps it for what
    /// other lanes still have, where processes of the run have died.
    pub(super) fn stand_by(&self, is_first: bool) {
        // The second lane is not to wait for cheap items any more.
        lock(&self.gate).over = true;
        self.changed.notify_all();
        self.starts.leave();
        if is_first && !self.is_retired() {
            self.starts.stand_by();
        }
    }

    /// A lane is through; the last one ends the child, unless that is kept.
    pub(super) fn leave(&self) {
        let mut gate = lock(&self.gate);
        gate.over = true;
        gate.lanes -= 1;
        let ends = gate.lanes == 0 && !gate.keeps;
        drop(gate);
        self.changed.notify_all();
        if ends {
            self.over.store(true, Ordering::Relaxed);
            self.end_child();
        }
    }

    /// Waits until no lane is left.
    pub(super) fn wait_until_left(&self) {
        let mut gate = lock(&self.gate);
        while gate.lanes > 0 {
            gate = wait(&self.changed, gate);
        }
    }

    /// Ends a child that was kept, and waits for that as long as is set; where a lane is left, in the source
    /// or with an item in hand, it is the last one that does.
    pub(super) fn dismiss(&self, limit: Option<Duration>) {
        self.over.store(true, Ordering::Relaxed);
        let mut gate = lock(&self.gate);
        gate.keeps = false;
        let is_alone = gate.lanes == 0;
        drop(gate);
        self.tell(|child| {
            child.wait_at_most(limit);
            child.tell_end();
        });
        if is_alone {
            self.end_child();
        }
    }
}
