//! A run in threads, seen from its consumer.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::builds::Builds;
use super::claim_size::Pace;
use super::control::Control;
use super::exit::{End, Exit};
use super::job::{Next, Team};
use super::lifecycle::{Life, Record};
use super::policy::Care;
use super::team::enter::Loop;
use super::team::{Hands, Started};
use crate::bridge::{Alone, Bridge, Claim, Finished, Outlet, Pull, Rest, Slept};
use crate::error::drop_caught;
use crate::observe::stats::Counters;
use crate::observe::trace::Scope;
use crate::sync::Arc;
use crate::{Context, Spec, TaskError, TaskErrorKind, Worker, WorkerState};

/// A bridge and the threads that work at it.
pub(crate) struct Engine<T, O, H: Hands> {
    pub(crate) bridge: Arc<Bridge<T, O>>,
    control: Arc<Control>,
    /// `None` once they are joined.
    hands: Option<H>,
    start_error: Option<TaskError>,
    /// `None` where there never were any.
    exit: Option<Exit>,
    /// What is left to be yielded after an abort.
    rest: Option<Rest<O>>,
}

impl<T, O, H: Hands> Engine<T, O, H> {
    /// With threads that were started at the bridge, all or some of them.
    pub(crate) fn new(
        bridge: Arc<Bridge<T, O>>,
        control: Arc<Control>,
        exit: Exit,
        (hands, started): (H, Started),
    ) -> Self {
        let exit = Some(exit);
        let mut engine =
            Self { bridge, control, hands: Some(hands), start_error: None, exit, rest: None };
        if let Err((worker, error)) = started {
            engine.leave();
            engine.start_error = Some(TaskError::start_failed(worker, error));
        }
        engine
    }

    /// No threads at all, for a run with no items.
    pub(crate) fn idle(bridge: Arc<Bridge<T, O>>, control: Arc<Control>) -> Self {
        Self { bridge, control, hands: None, start_error: None, exit: None, rest: None }
    }

    /// Joins the threads after the consumer was given no more; unless the run was cancelled before, everything has
    /// been yielded.
    pub(crate) fn end(&mut self) {
        self.stop(self.bridge.is_cancelled() || self.control.notifier().is_cancelled());
    }

    /// Cancels what is still going on and joins the threads.
    pub(crate) fn leave(&mut self) {
        self.stop(true);
    }

    /// The run was aborted, and goes on until it is [aborted](Engine::abort) here.
    pub(crate) fn is_aborted(&self) -> bool {
        self.control.is_aborted()
    }

    /// Ends what feeds the run after an abort, joins the threads, and takes what was in flight.
    pub(crate) fn abort(&mut self, outlet: &mut Outlet<T, O>, end_feeders: impl FnOnce()) {
        let (Some(hands), Some(exit)) = (self.hands.take(), &self.exit) else { return };
        // A stage that is ended by this run has not come to its own end.
        let is_read = self.bridge.is_read();
        end_feeders();
        self.bridge.abort();
        let left = self.join(hands, exit, true);
        // Before what is in flight is let go of.
        let in_progress = self.bridge.in_progress();
        let rest = outlet.rest(|index| exit.lost(index, &left, &in_progress));
        let is_lost = |it: &Finished<O>| {
            it.result.as_ref().is_err_and(|error| error.kind() == TaskErrorKind::Aborted)
        };
        if is_read && !rest.items.iter().any(is_lost) {
            self.control.note_whole();
        }
        self.rest = Some(rest);
        self.bridge.cancel();
        self.control.cancel();
        discard(&self.bridge);
    }

    /// What comes once the threads have been joined: what was in flight at an abort, then the panic of the source or
    /// the end.
    pub(crate) fn after_all(&mut self) -> Next<O> {
        match self.rest.as_mut().and_then(|rest| rest.items.pop_front()) {
            Some(finished) => Ok(Some(finished)),
            None => self.bridge.source_panic().map_or(Ok(None), Err),
        }
    }

    /// How many items were pulled in all, once it is known that no more will be and that each of them will be yielded.
    pub(crate) fn pulled(&self, outlet: &Outlet<T, O>) -> Option<usize> {
        match &self.rest {
            Some(rest) => Some(rest.pulled),
            None => outlet.pulled(),
        }
    }

    fn stop(&mut self, early: bool) {
        let (Some(hands), Some(exit)) = (self.hands.take(), &self.exit) else { return };
        self.bridge.cancel();
        self.control.cancel();
        self.join(hands, exit, early);
        discard(&self.bridge);
    }

    /// Waits for the threads, which have been told to end. Gives the numbers of those that are left behind.
    fn join(&self, hands: H, exit: &Exit, early: bool) -> Vec<usize> {
        let (bridge, lanes) = (&self.bridge, self.bridge.loops() / exit.workers);
        let end = End {
            early,
            timeout: exit.limits.at(early).0,
            // The one that is left is the one inside: nobody goes in any more.
            is_stuck: &|count| count == 1 && bridge.is_in_source(),
            report: &|left| exit.report(&self.control, (left, lanes), &bridge.in_progress()),
        };
        let left = hands.join(&end);
        if !(end.is_stuck)(left.len()) {
            exit.give_up(&left, early);
        }
        self.control.note_waits(Vec::new());
        left
    }

    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The threads, unless they have been joined.
    pub(crate) fn hands(&self) -> Option<&H> {
        self.hands.as_ref()
    }

    /// True while the threads have not been joined.
    pub(crate) fn is_running(&self) -> bool {
        self.hands.is_some()
    }

    /// The error that stands for the whole run, where it could not be started.
    pub(crate) fn start_error(&mut self) -> Option<Finished<O>> {
        let error = self.start_error.take()?;
        Some(Finished { index: None, worker: error.worker(), result: Err(error) })
    }
}

impl<T, O, H: Hands> Drop for Engine<T, O, H> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A loop for each spec; each gets a `pull` of its own, by which it asks the source.
pub(crate) fn loops<'a, T, O, S, W, P>(
    team: Team<S, W>,
    bridge: &Arc<Bridge<T, O>>,
    pull: impl Fn() -> P,
) -> Vec<Loop<'a>>
where
    T: Send + 'a,
    O: Send + 'a,
    S: Spec<W> + 'a,
    W: Worker<Input = T, Output = O>,
    P: Pull<T> + Send + 'a,
{
    let Team { specs, control, counters, care, trace, alive, build_now, .. } = team;
    let builds = Arc::new(Builds::new(specs.len(), care.build_retry));
    let seats = Seats { control, counters, builds, trace, build_now, _alive: alive };
    let shared = Arc::new(Shared { bridge: Arc::clone(bridge), care, seats });
    let mut loops: Vec<Loop<'a>> = Vec::with_capacity(specs.len());
    for (number, spec) in specs.into_iter().enumerate() {
        let (shared, pull) = (Arc::clone(&shared), pull());
        loops.push(Box::new(move || {
            let Shared { bridge, care, seats } = &*shared;
            seats.trace.worker(number).enter(|| {
                let mut life = Life::new(spec, seats.record(number), care.clone());
                let pull = work(bridge, &mut life, pull, seats.build_now);
                drop_caught(life);
                leave(bridge, pull);
            });
        }));
    }
    loops
}

/// What the loops of a run share. As one, so that a loop is made of it with one clone.
struct Shared<T, O> {
    bridge: Arc<Bridge<T, O>>,
    care: Care<T, O>,
    seats: Seats,
}

/// What they share whatever their items.
struct Seats {
    control: Arc<Control>,
    counters: Arc<Counters>,
    builds: Arc<Builds>,
    trace: Scope,
    build_now: bool,
    /// Held until the last loop is through with the run.
    _alive: Arc<()>,
}

impl Seats {
    fn record(&self, number: usize) -> Record {
        let (counters, control) = (Arc::clone(&self.counters), Arc::clone(&self.control));
        Record::new(number, counters, control, Arc::clone(&self.builds))
    }
}

/// One worker's loop: claims, runs and publishes until the bridge has nothing more. Gives `pull` back,
/// to [`leave`] with. Does not unwind, which rayon would answer by aborting the process.
pub(crate) fn work<T, O, S, W, P>(
    bridge: &Bridge<T, O>,
    life: &mut Life<S, W>,
    mut pull: P,
    build_now: bool,
) -> P
where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
    P: Pull<T>,
{
    let mut side = bridge.side(life.number());
    if build_now {
        side.report_build(life.build_at_start());
    }
    let mut clock = Clock::new();
    let mut is_last_of_all = false;
    loop {
        clock.waits(life.record());
        life.end_if_served();
        if life.has_failed() && !is_last_of_all {
            side.note_away(true);
            while life.back_off() {}
            // With no item in hand, which would wait for the next attempt.
            let goes_on = bridge.is_drained() || life.build().is_ok() || life.given_up().is_some();
            side.note_away(false);
            if !goes_on {
                clock.from = Instant::now();
                continue;
            }
        }
        if let Some(why) = life.given_up().filter(|_| !is_last_of_all) {
            is_last_of_all = side.retire();
            if !is_last_of_all {
                clock.idles(life.record());
                return pull;
            }
            life.control().lose_workers(why.clone());
            bridge.give_up();
        }
        let was_built = life.is_built();
        let mut stride = clock.pace.stride(was_built);
        stride.most = stride.most.min(life.left());
        let may_be_alone = was_built && !life.is_careful() && !W::passes_errors();
        if let Some(alone) = may_be_alone.then(|| side.alone(stride)).flatten() {
            run_alone(life, alone, &mut pull, &mut clock);
            continue;
        }
        let claimed = side.claim(stride, &mut pull, &mut clock.slept);
        clock.claimed(life.record(), claimed.is_some());
        let Some(mut claim) = claimed else { return pull };
        let count = run_claim(life, &mut claim, is_last_of_all);
        if !life.is_built() {
            claim.give_back();
            life.end();
        }
        clock.ran(life.record(), count, was_built);
    }
}

/// Measures a loop: how long it waits and works, and so how much it is to claim.
struct Clock {
    pace: Pace,
    slept: Slept,
    /// When it was last through with something.
    from: Instant,
    /// How long its worker had been built for, and had paused between attempts, at that time.
    apart: (Duration, Duration),
}

impl Clock {
    fn new() -> Self {
        let (slept, apart) = (Slept::default(), Default::default());
        Self { pace: Pace::new(), slept, from: Instant::now(), apart }
    }

    fn waits(&self, of: &Record) {
        of.enter(WorkerState::Waiting, self.from);
    }

    fn idles(&self, of: &Record) {
        of.enter(WorkerState::Idle, Instant::now());
    }

    /// Work begins, after a claim, if there was one.
    fn claimed(&mut self, of: &Record, begins: bool) {
        let (start, slept) = (Instant::now(), mem::take(&mut self.slept));
        of.tally().claimed(start - self.from, slept.input, slept.room);
        of.enter(if begins { WorkerState::Working } else { WorkerState::Idle }, start);
        self.from = start;
        self.apart = (of.tally().building(), of.tally().awaiting_retry());
    }

    /// So many items of a claim have been run, with a worker that `was_built` before.
    fn ran(&mut self, of: &Record, count: usize, was_built: bool) {
        let now = Instant::now();
        let (built, paused) = self.apart;
        let took = (now - self.from).saturating_sub(of.tally().building() - built);
        let pauses = of.tally().awaiting_retry() - paused;
        of.tally().ran(count, took.saturating_sub(pauses));
        // Pauses included: what waits behind an item does not care what that takes so long with.
        if was_built && count > 0 {
            self.pace.measured(took, count);
        }
        self.from = now;
    }

    /// A turn alone has come to its end, which began at `start` and whose `first` item took so long at the source
    /// and at the worker.
    fn ran_alone(
        &mut self,
        of: &Record,
        count: usize,
        start: Instant,
        (pulling, working): (Duration, Duration),
    ) {
        let now = Instant::now();
        // The turn was not measured item by item: the first one's time is divided in the same way.
        let took = now - start;
        let part = working.as_secs_f64() / (pulling + working).as_secs_f64().max(1e-9);
        let worked = took.mul_f64(part);
        let pulled = start - self.from + (took - worked);
        of.tally().claimed(pulled, Duration::ZERO, Duration::ZERO);
        of.tally().ran(count, worked);
        if count > 0 {
            self.pace.measured(worked, count);
        }
        self.from = now;
    }
}

/// Pulls and runs items at the only worker.
fn run_alone<T, O, S, W>(
    life: &mut Life<S, W>,
    mut alone: Alone<'_, T, O>,
    pull: &mut impl Pull<T>,
    clock: &mut Clock,
) where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    let start = Instant::now();
    life.record().enter(WorkerState::Working, start);
    let Some((worker, context)) = life.worker() else { return };
    let (count, panicked) =
        alone.run(pull, |index, input| worker.call_with(input, &context.at(index)));
    if let Some(payload) = panicked {
        let error = life.panicked(alone.index(), payload);
        life.tally().failed();
        alone.publish(error);
    }
    let first = alone.first;
    drop(alone);
    if !life.is_built() {
        life.end();
    }
    clock.ran_alone(life.record(), count, start, first);
}

/// Leaves a bridge, on a worker's thread.
pub(crate) fn leave<T, O>(bridge: &Bridge<T, O>, pull: impl Pull<T>) {
    if bridge.is_cancelled() {
        // The consumer may not have waited for this thread, if it was inside the source.
        discard(bridge);
    }
    drop_caught(pull);
}

/// Runs what was claimed, up to a panic. Gives how many items that were.
fn run_claim<T, O, S, W>(
    life: &mut Life<S, W>,
    claim: &mut Claim<'_, T, O>,
    is_last_of_all: bool,
) -> usize
where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    let from = claim.index();
    if is_last_of_all {
        while run_one(life, claim, true) {}
        return claim.index() - from;
    }
    if life.is_careful() {
        while run_one(life, claim, false) && life.is_built() {}
        return claim.index() - from;
    }
    if !life.is_built() {
        run_one(life, claim, false);
    }
    // Panics are caught once around all of them, since that is not free: the item is the one that is begun
    // and not published.
    let ran = match life.worker() {
        Some((worker, context)) => {
            catch_unwind(AssertUnwindSafe(|| run_all(worker, context, claim)))
        }
        None => Ok(()),
    };
    if let Err(payload) = ran {
        let error = life.panicked(claim.index(), payload);
        life.tally().failed();
        let begun = claim.begun().expect("nothing unwinds but the call of an item that is begun");
        begun.publish(Some(life.number()), Err(error));
    }
    claim.index() - from
}

/// A function of its own, so that what it keeps of the claim stays in registers.
#[inline(never)]
fn run_all<W: Worker>(
    worker: &mut W,
    context: Context<'_>,
    claim: &mut Claim<'_, W::Input, W::Output>,
) {
    if W::passes_errors() {
        while let Some(claimed) = claim.next() {
            let (input, begun) = claimed.begin();
            let (worker, output) = match W::pass(input) {
                Ok(output) => (None, output),
                Err(input) => {
                    let output = worker.call_with(input, &context.at(begun.index()));
                    (Some(context.worker()), output)
                }
            };
            begun.publish(worker, Ok(output));
        }
    } else {
        claim.run(|index, input| worker.call_with(input, &context.at(index)));
    }
}

/// Runs an item at a worker that is to be built first, or with care; false where there is none, or where it is put
/// back since the worker could not be built. The last worker of all fails it instead.
fn run_one<T, O, S, W>(
    life: &mut Life<S, W>,
    claim: &mut Claim<'_, T, O>,
    is_last_of_all: bool,
) -> bool
where
    S: Spec<W>,
    W: Worker<Input = T, Output = O>,
{
    let Some(claimed) = claim.next() else { return false };
    let (input, begun) = claimed.begin();
    let input = match W::pass(input) {
        Ok(output) => {
            begun.publish(None, Ok(output));
            return true;
        }
        Err(input) => input,
    };
    if !is_last_of_all && life.build().is_err() {
        begun.put_back(input);
        return false;
    }
    let (worker, result) = life.run(begun.index(), input);
    begun.publish(worker, result);
    true
}

/// Drops inputs and results that nobody will ask for.
fn discard<T, O>(bridge: &Bridge<T, O>) {
    drop_caught(bridge.clear().build_error);
}
