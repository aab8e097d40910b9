//! When a process that could not be started is tried again, and when a run has no hope left.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, lock, wait};

/// The pause after the first failure in a row; each further one doubles it. After so long a lane that waits looks
/// whether another one may start sooner, or has.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many failures of each worker in a row end the run, where no worker ever was up.
pub(super) const ATTEMPTS: u32 = 3;
/// And where one was, it has to be so long ago.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of the processes of a run's workers. A process that cannot be started, or dies before its worker
/// is built, says nothing of an item, and mostly not of its worker either: descriptors, memory or processes
/// were short, or somebody killed it. So it is tried again for as long as there is hope: while another worker
/// is up or being built, and for a while after the last one was.
///
/// All that failed are tried again together, when the first of them may be: where something kills processes one
/// after the other, several that start at once are what some of them survive by. And once one is up, the others have
/// not failed in a row any more.
pub(super) struct Starts {
    state: Mutex<State>,
    /// Where lanes wait for those that still have items.
    left: Condvar,
}

struct State {
    workers: Vec<Seat>,
    /// When those that failed are tried again.
    not_before: Option<Instant>,
    /// Some worker has been built.
    ever_up: bool,
    /// When the last worker that was up ceased to be.
    last_up: Option<Instant>,
    /// Why there will be no more processes.
    over: Option<Box<str>>,
    /// How many lanes may still have items.
    lanes: usize,
    /// A process has died, or could not be started.
    is_disturbed: bool,
    /// The run is over.
    is_cancelled: bool,
}

/// Where a worker's process is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Seat {
    /// Nobody has asked for it.
    #[default]
    Idle,
    Starting(u32),
    Up,
    /// It could not be started, so many times in a row.
    Failed(u32),
    Retired,
}

/// Whether a process may be started.
#[derive(Debug, PartialEq)]
pub(super) enum Begin {
    Now,
    Later(Duration),
    /// No more: the run has given up, for this reason.
    Never(Box<str>),
}

/// A process that could not be started.
pub(super) struct Failure<'a> {
    pub(super) reason: &'a str,
    /// It was alive and did not come to `init` in time, which more attempts do not change where none has come to
    /// it yet.
    pub(super) is_late: bool,
    /// The run is to come to its end: there are no more pauses.
    pub(super) is_last_try: bool,
}

impl Starts {
    pub(super) fn new(workers: usize, lanes: usize) -> Self {
        let state = State {
            workers: vec![Seat::Idle; workers],
            not_before: None,
            ever_up: false,
            last_up: None,
            over: None,
            lanes,
            is_disturbed: false,
            is_cancelled: false,
        };
        Self { state: Mutex::new(state), left: Condvar::new() }
    }

    /// Asks whether a process may be started, which begins if so. A last try is made without a pause.
    pub(super) fn begin(&self, worker: usize, is_last_try: bool, now: Instant) -> Begin {
        let mut state = lock(&self.state);
        if let Some(reason) = &state.over {
            return Begin::Never(reason.clone());
        }
        let failures = match state.workers[worker] {
            Seat::Failed(failures) => {
                if let (Some(left), false) = (state.left(now), is_last_try) {
                    return Begin::Later(left);
                }
                failures
            }
            _ => 0,
        };
        state.workers[worker] = Seat::Starting(failures);
        Begin::Now
    }

    /// Its worker is built.
    pub(super) fn up(&self, worker: usize) {
        let mut state = lock(&self.state);
        state.ever_up = true;
        state.workers[worker] = Seat::Up;
        for seat in &mut state.workers {
            if let Seat::Failed(failures) | Seat::Starting(failures) = seat {
                *failures = 0;
            }
        }
    }

    /// It has ended, or its worker itself could not be built.
    pub(super) fn down(&self, worker: usize, now: Instant) {
        let mut state = lock(&self.state);
        if state.workers[worker] == Seat::Up {
            state.last_up = Some(now);
        }
        if state.workers[worker] != Seat::Retired {
            state.workers[worker] = Seat::Idle;
        }
    }

    /// It could not be started. Gives how often in a row, and how long to wait before the next attempt: none if
    /// the worker is to be given up.
    pub(super) fn failed(
        &self,
        worker: usize,
        failure: &Failure<'_>,
        now: Instant,
    ) -> (u32, Option<Duration>) {
        let mut state = lock(&self.state);
        let failures = match state.workers[worker] {
            Seat::Starting(before) => before + 1,
            _ => 1,
        };
        state.is_disturbed = true;
        state.workers[worker] = Seat::Failed(failures);
        let pause = state.left(now).map_or(pause(failures), |left| left.min(pause(failures)));
        state.not_before = Some(now + pause);
        let is_hope = |seat: &Seat| matches!(seat, Seat::Up | Seat::Starting(_));
        if state.workers.iter().any(is_hope) {
            return (failures, (!failure.is_last_try).then_some(pause));
        }
        let is_tried = |seat: &Seat| !matches!(seat, Seat::Failed(count) if *count < ATTEMPTS);
        let is_long_ago = state.last_up.is_none_or(|at| now.duration_since(at) >= PATIENCE);
        let gives_up = failure.is_last_try
            || (failure.is_late && !state.ever_up)
            || (state.workers.iter().all(is_tried) && is_long_ago);
        if gives_up {
            state.over = Some(failure.reason.into());
        }
        (failures, (!gives_up).then_some(pause))
    }

    /// A process has died whose worker was built.
    pub(super) fn lost(&self) {
        lock(&self.state).is_disturbed = true;
    }

    /// A lane has no more items.
    pub(super) fn leave(&self) {
        lock(&self.state).lanes -= 1;
        self.left.notify_all();
    }

    /// The run is over.
    pub(super) fn cancel(&self) {
        lock(&self.state).is_cancelled = true;
        self.left.notify_all();
    }

    /// Waits until no lane has items any more, or the run is over; not at all where all went well till now. The
    /// worker that is kept so may be the only one that is up when another one's process dies.
    pub(super) fn stand_by(&self) {
        let mut state = lock(&self.state);
        while state.is_disturbed && state.lanes > 0 && !state.is_cancelled {
            state = wait(&self.left, state);
        }
    }

    /// The worker is given up.
    pub(super) fn retire(&self, worker: usize) {
        lock(&self.state).workers[worker] = Seat::Retired;
    }

    /// How long until the worker may be tried that could not be started; none where it may be now, or there is no
    /// such need.
    pub(super) fn left(&self, worker: usize, now: Instant) -> Option<Duration> {
        let state = lock(&self.state);
        state.left(now).filter(|_| matches!(state.workers[worker], Seat::Failed(_)))
    }
}

impl State {
    /// How long until those that failed are tried again.
    fn left(&self, now: Instant) -> Option<Duration> {
        self.not_before?.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMFILE: Failure<'_> =
        Failure { reason: "Too many open files", is_late: false, is_last_try: false };

    /// Tries until it may, and fails; gives when that was, and whether it was the last time.
    fn fail(starts: &Starts, worker: usize, mut now: Instant) -> (Instant, bool) {
        if let Begin::Later(left) = starts.begin(worker, false, now) {
            now += left;
            assert_eq!(starts.begin(worker, false, now), Begin::Now);
        }
        (now, starts.failed(worker, &EMFILE, now).1.is_none())
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<_> = (1..=10).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
        assert_eq!(pause(1_000), LONGEST_PAUSE);
    }

    #[test]
    fn where_none_ever_was_up_three_attempts_of_each_that_was_asked_for_are_all() {
        let starts = Starts::new(3, 3);
        let begun = Instant::now();
        let mut now = begun;
        for attempt in 1..=3 {
            for worker in [0, 1] {
                let over;
                (now, over) = fail(&starts, worker, now);
                assert_eq!(over, attempt == 3 && worker == 1);
            }
        }
        assert!(now - begun < Duration::from_secs(1));
        assert_eq!(starts.begin(2, false, now), Begin::Never("Too many open files".into()));
    }

    #[test]
    fn all_are_tried_again_together() {
        let starts = Starts::new(3, 3);
        let (now, _) = fail(&starts, 0, Instant::now());
        let (now, _) = fail(&starts, 0, now);
        assert_eq!(starts.left(0, now), Some(2 * FIRST_PAUSE));
        let (now, _) = fail(&starts, 1, now);
        for worker in [0, 1] {
            assert_eq!(starts.left(worker, now), Some(FIRST_PAUSE));
            assert_eq!(starts.begin(worker, false, now + FIRST_PAUSE), Begin::Now);
        }
        assert_eq!(starts.begin(2, false, now), Begin::Now, "it has not failed");
    }

    #[test]
    fn while_another_is_up_or_starts_there_is_no_end_to_it() {
        let starts = Starts::new(2, 2);
        assert_eq!(starts.begin(0, false, Instant::now()), Begin::Now);
        let mut now = Instant::now();
        for round in 0..100 {
            if round == 50 {
                starts.up(0);
            }
            let over;
            (now, over) = fail(&starts, 1, now);
            assert!(!over);
        }
    }

    #[test]
    fn after_the_last_was_up_a_minute_goes_by() {
        let starts = Starts::new(1, 1);
        let begun = Instant::now();
        assert_eq!(starts.begin(0, false, begun), Begin::Now);
        starts.up(0);
        starts.down(0, begun);
        let mut now = begun;
        let attempts = (1..)
            .take_while(|_| {
                let over;
                (now, over) = fail(&starts, 0, now);
                !over
            })
            .count();
        assert!((60..90).contains(&(now - begun).as_secs()), "{:?}", now - begun);
        assert_eq!(attempts, 10);
    }

    #[test]
    fn a_success_begins_the_pauses_again() {
        let starts = Starts::new(1, 1);
        let (now, _) = fail(&starts, 0, Instant::now());
        let (now, _) = fail(&starts, 0, now);
        assert_eq!(starts.begin(0, false, now + LONGEST_PAUSE), Begin::Now);
        starts.up(0);
        starts.down(0, now);
        fail(&starts, 0, now);
        assert_eq!(starts.begin(0, false, now), Begin::Later(FIRST_PAUSE));
        assert_eq!(starts.begin(0, true, now), Begin::Now);
    }

    #[test]
    fn who_never_comes_to_init_is_not_asked_again_unless_another_came() {
        for ever_up in [false, true] {
            let starts = Starts::new(2, 2);
            if ever_up {
                starts.up(1);
                starts.down(1, Instant::now());
            }
            let late = Failure { is_late: true, ..EMFILE };
            assert_eq!(starts.begin(0, false, Instant::now()), Begin::Now);
            assert_eq!(starts.failed(0, &late, Instant::now()).1.is_none(), !ever_up);
        }
    }

    #[test]
    fn at_a_last_try_a_worker_is_given_up_and_the_run_only_with_the_last() {
        let starts = Starts::new(2, 2);
        let last = Failure { is_last_try: true, ..EMFILE };
        let now = Instant::now();
        starts.up(1);
        assert_eq!(starts.begin(0, false, now), Begin::Now);
        assert_eq!(starts.failed(0, &last, now), (1, None));
        starts.retire(0);
        starts.down(1, now);
        assert_eq!(starts.begin(1, false, now), Begin::Now);
    }
}
