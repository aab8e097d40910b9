//! How fast a run goes, and how long it will still take.

use std::time::Duration;

/// The span in seconds over which the rate that is shown forgets: short enough to tell of a slow
/// stretch while it lasts.
const RECENT: f64 = 15.0;

/// The least span for the time left. It grows to a third of the run's age, so that the burst of a
/// batch, or a pause in a run of hours, does not throw an estimate made from all that time.
const STEADY: f64 = 30.0;

/// A longer guess than this is none.
const LONGEST: f64 = 100.0 * 24.0 * 3600.0;

/// The rate of a run, from how far it was at each tick.
#[derive(Debug, Default)]
pub(super) struct Pace {
    items: u64,
    elapsed: Duration,
    recent: Average,
    steady: Average,
}

impl Pace {
    /// Notes how many items were done at `elapsed`, both counted from the start of the run.
    pub(super) fn record(&mut self, items: u64, elapsed: Duration) {
        let added = items.saturating_sub(self.items) as f64;
        let seconds = elapsed.saturating_sub(self.elapsed).as_secs_f64();
        self.items = items;
        self.elapsed = elapsed;
        self.recent.add(added, seconds, RECENT);
        // An average of the average: over the items themselves it would still step with each batch.
        // What passes before the first item, when workers are built, says nothing yet.
        if let Some(rate) = self.recent.rate() {
            self.steady.add(rate * seconds, seconds, STEADY.max(elapsed.as_secs_f64() / 3.0));
        }
    }

    /// Items a second over the last stretch; `None` before the first item.
    pub(super) fn rate(&self) -> Option<f64> {
        self.recent.rate()
    }

    /// Items a second over the whole run.
    pub(super) fn overall(&self) -> Option<f64> {
        let seconds = self.elapsed.as_secs_f64();
        (self.items > 0 && seconds > 0.0).then(|| self.items as f64 / seconds)
    }

    /// How long `remaining` items will take, where that can be said.
    pub(super) fn left(&self, remaining: u64) -> Option<Duration> {
        let seconds = remaining as f64 / self.steady.rate()?;
        (seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
    }
}

/// Items over time, where both fade with age.
///
/// Fading the two sums alike makes their quotient right from the first tick on, with no start
/// value to get away from, and makes it sink while nothing comes.
#[derive(Debug, Default)]
struct Average {
    items: f64,
    seconds: f64,
}

impl Average {
    fn add(&mut self, items: f64, seconds: f64, span: f64) {
        let kept = (-seconds / span).exp();
        self.items = self.items * kept + items;
        self.seconds = self.seconds * kept + seconds;
    }

    fn rate(&self) -> Option<f64> {
        (self.items > 0.0 && self.seconds > 0.0).then(|| self.items / self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: f64 = 0.1;

    /// Runs `seconds` of ticks, with the items done as a function of the time.
    fn run(pace: &mut Pace, seconds: std::ops::Range<f64>, items: impl Fn(f64) -> f64) {
        let ticks = ((seconds.end - seconds.start) / TICK).round() as u64;
        for tick in 1..=ticks {
            let at = seconds.start + tick as f64 * TICK;
            pace.record(items(at) as u64, Duration::from_secs_f64(at));
        }
    }

    fn near(value: f64, expected: f64, share: f64) -> bool {
        (value - expected).abs() <= expected * share
    }

    #[test]
    fn nothing_is_said_before_the_first_item() {
        let mut pace = Pace::default();
        run(&mut pace, 0.0..5.0, |_| 0.0);
        assert_eq!((pace.rate(), pace.overall(), pace.left(10)), (None, None, None));
    }

    #[test]
    fn an_even_run_is_told_right_from_its_start() {
        let mut pace = Pace::default();
        run(&mut pace, 0.0..1.0, |at| at * 200.0);
        assert!(near(pace.rate().unwrap(), 200.0, 0.02));
        assert!(near(pace.left(2000).unwrap().as_secs_f64(), 10.0, 0.02));
    }

    #[test]
    fn the_time_left_does_not_jump_with_bursts() {
        // A hundred items every five seconds: from tick to tick the raw rate is 1,000 or nothing.
        let mut pace = Pace::default();
        let burst = |at: f64| (at / 5.0 + 1e-9).floor() * 100.0;
        run(&mut pace, 0.0..60.0, burst);
        let mut ends = Vec::new();
        for tick in 600..1200 {
            let at = f64::from(tick) * TICK;
            run(&mut pace, at..at + TICK, burst);
            let remaining = 10_000.0 - (at + TICK) * 20.0;
            let left = pace.left(remaining as u64).unwrap();
            ends.push(at + TICK + left.as_secs_f64());
        }
        assert!(ends.iter().all(|&end| near(end, 500.0, 0.05)), "{ends:?}");
        assert!(ends.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1.0), "{ends:?}");
    }

    #[test]
    fn a_change_of_speed_is_followed() {
        let mut pace = Pace::default();
        run(&mut pace, 0.0..60.0, |at| at * 100.0);
        run(&mut pace, 60.0..120.0, |at| 6_000.0 + (at - 60.0) * 10.0);
        assert!(near(pace.rate().unwrap(), 10.0, 0.2), "{:?}", pace.rate());
        assert!(near(pace.overall().unwrap(), 55.0, 0.01));
        let left = pace.left(1_000).unwrap().as_secs_f64();
        assert!((30.0..=100.0).contains(&left), "{left}");
    }

    #[test]
    fn a_stall_lowers_the_rate_until_no_time_can_be_told() {
        let mut pace = Pace::default();
        run(&mut pace, 0.0..60.0, |at| at * 100.0);
        let before = pace.left(1_000).unwrap();
        run(&mut pace, 60.0..90.0, |_| 6_000.0);
        assert!(pace.rate().unwrap() < 20.0);
        assert!(pace.left(1_000).unwrap() > before);
        assert_eq!(pace.left(u64::MAX), None);
    }
}
