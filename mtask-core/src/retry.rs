//! How often something that failed is tried again, and after which pauses.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// The longest pause there is: what is added to a moment stays one.
const LONGEST: f64 = u32::MAX as f64;

/// How often something that failed is tried again, and how long to wait before each further attempt: for
/// [`ParStateful::retry`](crate::ParStateful::retry) and [`ParStateful::build_retry`](crate::ParStateful::build_retry).
///
/// Each pause has jitter: it is drawn anew, evenly, from the upper half of what is set. With a delay of one second
/// that is half a second to one second, so that workers which failed together do not come back together, and no
/// pause is longer than what is set.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use mtask::prelude::*;
///
/// // After 1 ms, 2 ms, 4 ms and so on, each less what the jitter takes off.
/// let retry = Retry::times(5)
///     .delay(Duration::from_millis(1))
///     .backoff(2.0)
///     .max_delay(Duration::from_millis(20));
/// let mut left = 3;
/// let fetch = move |page: u32| {
///     left -= 1;
///     if left > 0 { Err("no connection") } else { Ok(page * 10) }
/// };
/// let mut pages = par_map([7], 1, fetch).retry(retry).flatten_errors();
/// assert_eq!(pages.next().unwrap()?, 70);
/// # Ok::<(), TaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "it says how to try again, and is given to an option of a run"]
pub struct Retry {
    times: usize,
    delay: Duration,
    backoff: f64,
    max_delay: Option<Duration>,
}

impl Retry {
    /// Up to `n` more attempts after the first one, each at once.
    ///
    /// ```
    /// let retry = mtask::Retry::times(3);
    /// let results = mtask::par_map(0..10, 2, |x: u32| x).retry(retry);
    /// assert_eq!(results.propagate_panics().count(), 10);
    /// ```
    pub fn times(n: usize) -> Self {
        Self { times: n, delay: Duration::ZERO, backoff: 1.0, max_delay: None }
    }

    /// Waits for this long, or down to half of it, before the second attempt; and before each further one, unless
    /// there is a [`backoff`](Retry::backoff).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retry = mtask::Retry::times(3).delay(Duration::from_millis(200));
    /// ```
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Makes each pause `factor` times as long as the one before.
    ///
    /// # Panics
    ///
    /// Where `factor` is below 1 or no finite number.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// // 0.1 s, 0.2 s, 0.4 s: a doubling.
    /// let retry = mtask::Retry::times(3).delay(Duration::from_millis(100)).backoff(2.0);
    /// ```
    #[track_caller]
    pub fn backoff(mut self, factor: f64) -> Self {
        assert!(
            factor.is_finite() && factor >= 1.0,
            "mtask: `.backoff({factor})` makes no pauses that grow: give at least 1.0"
        );
        self.backoff = factor;
        self
    }

    /// Lets no pause be longer than this.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retry = mtask::Retry::times(20)
    ///     .delay(Duration::from_millis(100))
    ///     .backoff(2.0)
    ///     .max_delay(Duration::from_secs(10));
    /// ```
    pub fn max_delay(mut self, most: Duration) -> Self {
        self.max_delay = Some(most);
        self
    }

    /// How many attempts there are beside the first.
    pub(crate) fn most(&self) -> usize {
        self.times
    }

    /// How long to wait after so many failed attempts, with jitter.
    pub(crate) fn pause(&self, failures: usize) -> Duration {
        let whole = self.whole_pause(failures);
        if whole.is_zero() { whole } else { whole.mul_f64(0.5 + 0.5 * random_share()) }
    }

    /// The same without jitter.
    fn whole_pause(&self, failures: usize) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        // Infinite at the most, or no number where nothing is multiplied by that.
        let seconds = self.delay.as_secs_f64() * self.backoff.powi(exponent);
        let grown =
            Duration::from_secs_f64(if self.delay.is_zero() { 0.0 } else { seconds.min(LONGEST) });
        self.max_delay.map_or(grown, |most| most.min(grown))
    }
}

/// A number from 0 to 1, of the keys that std makes for each of its hash maps.
fn random_share() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_grow_by_the_factor_up_to_the_limit() {
        let retry = Retry::times(9).delay(10 * MS).backoff(3.0).max_delay(100 * MS);
        let pauses: Vec<_> = (1..=4).map(|failures| retry.whole_pause(failures)).collect();
        assert_eq!(pauses, [10 * MS, 30 * MS, 90 * MS, 100 * MS]);
        assert_eq!(retry.whole_pause(usize::MAX), 100 * MS);
        assert_eq!(Retry::times(9).delay(MS).whole_pause(7), MS, "no backoff");
        assert_eq!(Retry::times(9).backoff(2.0).pause(usize::MAX), Duration::ZERO, "no delay");
        let endless = Retry::times(9).delay(Duration::MAX).backoff(2.0);
        assert!(endless.pause(5) <= Duration::from_secs(u32::MAX.into()));
    }

    #[test]
    fn jitter_takes_half_at_the_most_and_differs() {
        let retry = Retry::times(1).delay(1_000 * MS);
        let pauses: Vec<_> = (0..100).map(|_| retry.pause(1)).collect();
        assert!(pauses.iter().all(|pause| (500 * MS..=1_000 * MS).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        assert!(pauses.iter().any(|pause| *pause < 750 * MS), "{pauses:?}");
    }
}
