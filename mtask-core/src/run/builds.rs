//! When a worker that could not be built is built again, and when a run has no hope left.

use std::time::{Duration, Instant};

use crate::Retry;
use crate::error::GivenUp;
use crate::sync::{Mutex, lock};

/// The pause after the first failure in a row, unless set; each further one doubles it. After so long a lane that
/// waits looks whether another one may start sooner, or has.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many failures of each worker in a row end the run, unless set, where no worker ever was up.
const ATTEMPTS: u32 = 3;
/// And where one was, it has to be so long ago.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of the builds of a run's workers, in threads as in processes. A build that fails says nothing of an
/// item, and often not of its worker either: descriptors or memory were short, a server was busy, or somebody killed
/// the process. So it is made again for as long as there is hope: while another worker is up or being built,
/// and for a while after the last one was.
///
/// All that failed are built again together, when the first of them may be: where something kills processes one
/// after the other, several that start at once are what some of them survive by. And once one is up, the others have
/// not failed in a row any more.
pub(crate) struct Builds {
    /// What was set in place of the rules above.
    retry: Option<Retry>,
    state: Mutex<State>,
}

struct State {
    workers: Vec<Seat>,
    /// Some worker has been built.
    ever_up: bool,
    /// When the last worker that was up ceased to be.
    last_up: Option<Instant>,
    /// Why there will be no more builds.
    over: Option<GivenUp>,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Seat {
    /// Nobody has asked for it.
    #[default]
    Idle,
    Building(u32),
    Up,
    /// It could not be built, so many times in a row, and is not to be before then.
    Failed(u32, Instant),
    Retired,
}

/// Whether a worker may be built.
#[derive(Debug)]
pub(crate) enum Begin {
    Now,
    Later(Duration),
    /// No more: the run has given up, for this reason.
    Never(GivenUp),
}

/// A build that failed.
pub(crate) struct Failure<'a> {
    pub(crate) why: &'a GivenUp,
    /// Its process was alive and did not come to `init` in time, which more attempts do not change where none has come to
    /// it yet.
    pub(crate) is_late: bool,
    /// The run is to come to its end: there are no more pauses.
    pub(crate) is_last_try: bool,
}

impl Builds {
    pub(crate) fn new(workers: usize, retry: Option<Retry>) -> Self {
        let state =
            State { workers: vec![Seat::Idle; workers], ever_up: false, last_up: None, over: None };
        Self { retry, state: Mutex::new(state) }
    }

    /// So many failures of each worker in a row end the run, where no worker ever was up.
    pub(crate) fn attempts(&self) -> u32 {
        self.retry.map_or(ATTEMPTS, |retry| {
            u32::try_from(retry.most()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }

    /// The pause after so many failures in a row.
    fn pause(&self, failures: u32) -> Duration {
        match self.retry {
            None => pause(failures),
            Some(retry) if failures < self.attempts() => retry.pause(failures as usize),
            // It goes on for the sake of others, however short the pauses are that were set.
            Some(retry) => retry.pause(failures as usize).max(pause(failures)),
        }
    }

    /// Asks whether a worker may be built, which begins if so. A last try is made without a pause.
    pub(crate) fn begin(&self, worker: usize, is_last_try: bool, now: Instant) -> Begin {
        let mut state = lock(&self.state);
        if let Some(why) = &state.over {
            return Begin::Never(why.clone());
        }
        let failures = match state.workers[worker] {
            Seat::Failed(failures, due) => {
                if now < due && !is_last_try {
                    return Begin::Later(due - now);
                }
                failures
            }
            _ => 0,
        };
        state.workers[worker] = Seat::Building(failures);
        Begin::Now
    }

    /// Its worker is built.
    pub(crate) fn up(&self, worker: usize) {
        let mut state = lock(&self.state);
        state.ever_up = true;
        state.workers[worker] = Seat::Up;
        for seat in &mut state.workers {
            if let Seat::Failed(failures, _) | Seat::Building(failures) = seat {
                *failures = 0;
            }
        }
    }

    /// It has ended, or was given up.
    pub(crate) fn down(&self, worker: usize, now: Instant) {
        let mut state = lock(&self.state);
        if state.workers[worker] == Seat::Up {
            state.last_up = Some(now);
        }
        if state.workers[worker] != Seat::Retired {
            state.workers[worker] = Seat::Idle;
        }
    }

    /// It could not be built. Gives how often in a row, and how long to wait before the next attempt: none if
    /// the worker is to be given up.
    pub(crate) fn failed(
        &self,
        worker: usize,
        failure: &Failure<'_>,
        now: Instant,
    ) -> (u32, Option<Duration>) {
        let mut state = lock(&self.state);
        let failures = match state.workers[worker] {
            Seat::Building(before) => before + 1,
            _ => 1,
        };
        // All that wait do so until the first of them may be built.
        let waiting = state.workers.iter().filter_map(|seat| match *seat {
            Seat::Failed(_, due) if due > now => Some(due),
            _ => None,
        });
        let due = waiting.chain([now + self.pause(failures)]).min().expect("there is one");
        state.workers[worker] = Seat::Failed(failures, due);
        for seat in &mut state.workers {
            if let Seat::Failed(_, other) = seat {
                *other = due.min(*other);
            }
        }
        let pause = due - now;
        let is_hope = |seat: &Seat| matches!(seat, Seat::Up | Seat::Building(_));
        if state.workers.iter().any(is_hope) {
            return (failures, (!failure.is_last_try).then_some(pause));
        }
        let is_tried =
            |seat: &Seat| !matches!(seat, Seat::Failed(count, _) if *count < self.attempts());
        let is_long_ago = self.retry.is_some()
            || state.last_up.is_none_or(|at| now.duration_since(at) >= PATIENCE);
        let gives_up = failure.is_last_try
            || (failure.is_late && !state.ever_up && self.retry.is_none())
            || (state.workers.iter().all(is_tried) && is_long_ago);
        if gives_up {
            state.over = Some(failure.why.clone());
        }
        (failures, (!gives_up).then_some(pause))
    }

    /// The worker is given up.
    pub(crate) fn retire(&self, worker: usize) {
        lock(&self.state).workers[worker] = Seat::Retired;
    }

    /// How long until the worker may be built again that could not be; none where it may be now, there is no
    /// such need, or no hope.
    pub(crate) fn left(&self, worker: usize, now: Instant) -> Option<Duration> {
        let state = lock(&self.state);
        match state.workers[worker] {
            Seat::Failed(_, due) if state.over.is_none() => {
                due.checked_duration_since(now).filter(|left| !left.is_zero())
            }
            _ => None,
        }
    }
}

/// That unless set.
fn pause(failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskError;

    fn emfile() -> GivenUp {
        GivenUp::Builds(TaskError::build_failed(None, 0, "Too many open files".into()))
    }

    fn failure(why: &GivenUp) -> Failure<'_> {
        Failure { why, is_late: false, is_last_try: false }
    }

    fn may(begin: &Begin) -> bool {
        matches!(begin, Begin::Now)
    }

    /// Tries until it may, and fails; gives when that was, and whether it was the last time.
    fn fail(builds: &Builds, worker: usize, mut now: Instant) -> (Instant, bool) {
        if let Begin::Later(left) = builds.begin(worker, false, now) {
            now += left;
            assert!(may(&builds.begin(worker, false, now)));
        }
        (now, builds.failed(worker, &failure(&emfile()), now).1.is_none())
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let pauses: Vec<_> = (1..=10).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
        assert_eq!(pause(1_000), LONGEST_PAUSE);
    }

    #[test]
    fn where_none_ever_was_up_three_attempts_of_each_that_was_asked_for_are_all() {
        let builds = Builds::new(3, None);
        let begun = Instant::now();
        let mut now = begun;
        for attempt in 1..=3 {
            for worker in [0, 1] {
                let over;
                (now, over) = fail(&builds, worker, now);
                assert_eq!(over, attempt == 3 && worker == 1);
            }
        }
        assert!(now - begun < Duration::from_secs(1));
        let Begin::Never(why) = builds.begin(2, false, now) else { panic!("there is hope") };
        assert_eq!(why.to_string(), "worker 0 could not be built: Too many open files");
    }

    #[test]
    fn all_are_tried_again_together() {
        let builds = Builds::new(3, None);
        let (now, _) = fail(&builds, 0, Instant::now());
        let (now, _) = fail(&builds, 0, now);
        assert_eq!(builds.left(0, now), Some(2 * FIRST_PAUSE));
        let (now, _) = fail(&builds, 1, now);
        for worker in [0, 1] {
            assert_eq!(builds.left(worker, now), Some(FIRST_PAUSE));
            assert!(may(&builds.begin(worker, false, now + FIRST_PAUSE)));
        }
        assert!(may(&builds.begin(2, false, now)), "it has not failed");
    }

    #[test]
    fn one_that_fails_at_once_leaves_the_others_their_turn() {
        let builds = Builds::new(2, None);
        let now = Instant::now();
        fail(&builds, 0, now);
        fail(&builds, 1, now);
        let due = now + FIRST_PAUSE;
        assert!(may(&builds.begin(0, false, due)));
        builds.failed(0, &failure(&emfile()), due);
        assert!(may(&builds.begin(1, false, due)), "its own pause is over");
        assert!(!may(&builds.begin(0, false, due)));
    }

    #[test]
    fn while_another_is_up_or_starts_there_is_no_end_to_it() {
        let builds = Builds::new(2, None);
        assert!(may(&builds.begin(0, false, Instant::now())));
        let mut now = Instant::now();
        for round in 0..100 {
            if round == 50 {
                builds.up(0);
            }
            let over;
            (now, over) = fail(&builds, 1, now);
            assert!(!over);
        }
    }

    #[test]
    fn after_the_last_was_up_a_minute_goes_by() {
        let builds = Builds::new(1, None);
        let begun = Instant::now();
        assert!(may(&builds.begin(0, false, begun)));
        builds.up(0);
        builds.down(0, begun);
        let mut now = begun;
        let attempts = (1..)
            .take_while(|_| {
                let over;
                (now, over) = fail(&builds, 0, now);
                !over
            })
            .count();
        assert!((60..90).contains(&(now - begun).as_secs()), "{:?}", now - begun);
        assert_eq!(attempts, 10);
    }

    #[test]
    fn with_rules_of_the_callers_own_so_many_attempts_are_all_also_after_one_was_up() {
        let retry = Retry::times(4).delay(Duration::from_secs(1)).max_delay(Duration::from_secs(2));
        for ever_up in [false, true] {
            let builds = Builds::new(2, Some(retry));
            let mut now = Instant::now();
            let begun = now;
            if ever_up {
                builds.up(1);
                builds.down(1, now);
            }
            for attempt in 1..=5 {
                for worker in [0, 1] {
                    let over;
                    (now, over) = fail(&builds, worker, now);
                    assert_eq!(over, attempt == 5 && worker == 1, "attempt {attempt} of {worker}");
                }
            }
            let pauses = now - begun;
            assert!((2..=8).contains(&pauses.as_secs()), "{pauses:?}");
        }
    }

    #[test]
    fn a_worker_that_is_not_missed_is_not_built_without_pauses() {
        let builds = Builds::new(2, Some(Retry::times(1)));
        builds.up(1);
        let now = Instant::now();
        let pauses = [1, 2, 3].map(|failures| {
            assert!(may(&builds.begin(0, true, now)));
            let (count, pause) = builds.failed(0, &failure(&emfile()), now);
            assert_eq!(count, failures);
            pause.expect("the other one is up").as_millis()
        });
        assert_eq!(pauses, [0, 200, 400]);
    }

    #[test]
    fn a_success_begins_the_pauses_again() {
        let builds = Builds::new(1, None);
        let (now, _) = fail(&builds, 0, Instant::now());
        let (now, _) = fail(&builds, 0, now);
        assert!(may(&builds.begin(0, false, now + LONGEST_PAUSE)));
        builds.up(0);
        builds.down(0, now);
        fail(&builds, 0, now);
        assert!(matches!(builds.begin(0, false, now), Begin::Later(FIRST_PAUSE)));
        assert!(may(&builds.begin(0, true, now)));
    }

    #[test]
    fn who_never_comes_to_init_is_not_asked_again_unless_another_came() {
        for ever_up in [false, true] {
            let builds = Builds::new(2, None);
            if ever_up {
                builds.up(1);
                builds.down(1, Instant::now());
            }
            let why = emfile();
            let late = Failure { is_late: true, ..failure(&why) };
            assert!(may(&builds.begin(0, false, Instant::now())));
            assert_eq!(builds.failed(0, &late, Instant::now()).1.is_none(), !ever_up);
        }
    }

    #[test]
    fn at_a_last_try_a_worker_is_given_up_and_the_run_only_with_the_last() {
        let builds = Builds::new(2, None);
        let why = emfile();
        let last = Failure { is_last_try: true, ..failure(&why) };
        let now = Instant::now();
        builds.up(1);
        assert!(may(&builds.begin(0, false, now)));
        assert_eq!(builds.failed(0, &last, now), (1, None));
        builds.retire(0);
        builds.down(1, now);
        assert!(may(&builds.begin(1, false, now)));
    }
}
