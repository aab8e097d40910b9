//! What ends a wait for a child: its own end, a time limit, or the end of its run.

use std::time::{Duration, Instant};

use super::patience::Over;
use super::process::{Broken, Child};

/// How long a read or a write lasts at the most before it is looked at what may end the wait.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// A wait for a child, in slices.
pub(super) struct Watch<'a> {
    pub(super) clock: Clock,
    cancelled: &'a dyn Fn() -> bool,
    /// The run is over, and the child knows.
    is_told: bool,
    is_running: bool,
}

impl<'a> Watch<'a> {
    /// A wait of at most `limit`, and of at most the child's patience once `cancelled` says so.
    pub(super) fn start(limit: Option<Duration>, cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { clock: Clock::start(limit), cancelled, is_told: false, is_running: true }
    }

    /// How long to wait before the next look.
    ///
    /// # Errors
    ///
    /// Where the time is over.
    pub(super) fn slice(&mut self) -> Result<Duration, Broken> {
        self.clock.slice().map_err(|()| Broken::TimedOut)
    }

    /// Looks whether it is worth while to wait on, after a slice in which nothing came or went.
    ///
    /// # Errors
    ///
    /// Where it is not.
    pub(super) fn look(&mut self, child: &Child) -> Result<(), Broken> {
        // A process that it has forked may hold its end of the socket; but what it had sent is there, and
        // has been read by the second look.
        if !self.is_running {
            return Err(Broken::Lost);
        }
        self.is_running = child.is_running();
        if (self.cancelled)() {
            let patience = child.patience();
            if !self.is_told {
                self.is_told = true;
                child.tell_cancelled();
                patience.leave();
            }
            if patience.is_shutdown_over() {
                return Err(Broken::OutOfPatience(Over::Shutdown));
            }
        }
        Ok(())
    }
}

/// Counts time while the program runs: what passes while it is stopped does not count.
pub(super) struct Clock {
    limit: Option<Duration>,
    passed: Duration,
    last: Instant,
}

impl Clock {
    pub(super) fn start(limit: Option<Duration>) -> Self {
        Self { limit, passed: Duration::ZERO, last: Instant::now() }
    }

    /// How long to wait before the clock is looked at again.
    ///
    /// # Errors
    ///
    /// Where the time is over.
    pub(super) fn slice(&mut self) -> Result<Duration, ()> {
        let Some(limit) = self.limit else { return Ok(SLICE) };
        let now = Instant::now();
        // What is longer than two slices is a time in which nothing ran here.
        self.passed += (now - self.last).min(2 * SLICE);
        self.last = now;
        match limit.checked_sub(self.passed) {
            Some(left) if !left.is_zero() => Ok(left.min(SLICE)),
            _ => Err(()),
        }
    }
}
