//! What is known of a run at one moment, and how it reads.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::time::Duration;

use indicatif::{HumanCount, HumanFloatCount};

use crate::Ended;

/// A run at one moment.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Items done, those before this run included.
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) unit: Cow<'static, str>,
    pub(super) errors: u64,
    pub(super) elapsed: Duration,
    /// Items a second: lately, or over the whole run once it has ended.
    pub(super) rate: Option<f64>,
    pub(super) left: Option<Duration>,
    pub(super) phase: Phase,
    /// What it waits for at its end, if anything.
    pub(super) waits: String,
}

/// How far a run is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Going,
    /// It was cancelled, or dropped, and what is in progress has not ended yet.
    Ending,
    Ended(Ended),
}

impl Status {
    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// `1,200/5,000 lines (24%), 310/s, 4s, 12s left`: all but the errors.
    pub(super) fn progress(&self, out: &mut dyn Write) -> fmt::Result {
        match self.phase {
            Phase::Going => {}
            Phase::Ending if self.waits.is_empty() => out.write_str("ending, ")?,
            Phase::Ending => write!(out, "ending, {}, ", self.waits)?,
            Phase::Ended(ended) => write!(out, "{ended}, ")?,
        }
        self.items(out)?;
        if self.is_over() {
            out.write_str(" in ")?;
            write_took(self.elapsed, out)?;
        }
        if self.rate.is_some() {
            out.write_str(", ")?;
            self.rate(out)?;
        }
        if !self.is_over() {
            out.write_str(", ")?;
            write_clock(self.elapsed, out)?;
        }
        if self.left.is_some() {
            out.write_str(", ")?;
            self.left(out)?;
        }
        Ok(())
    }

    /// `1,200/5,000 lines (24%)`.
    pub(super) fn items(&self, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{}", HumanCount(self.done))?;
        if let Some(total) = self.total {
            write!(out, "/{}", HumanCount(total))?;
        }
        if !self.unit.is_empty() {
            write!(out, " {}", self.unit)?;
        }
        if let Some(total) = self.total {
            write!(out, " ({}%)", percent(self.done, total))?;
        }
        Ok(())
    }

    /// `310/s`, or a minute or an hour where that is the number to read.
    pub(super) fn rate(&self, out: &mut dyn Write) -> fmt::Result {
        let Some(rate) = self.rate else { return Ok(()) };
        let (rate, per) = if rate >= 1.0 {
            (rate, "s")
        } else if rate * 60.0 >= 1.0 {
            (rate * 60.0, "min")
        } else {
            (rate * 3600.0, "h")
        };
        if rate < 100.0 {
            write!(out, "{:.1}/{per}", HumanFloatCount(rate))
        } else {
            write!(out, "{:.0}/{per}", HumanFloatCount(rate))
        }
    }

    /// `12s left`.
    pub(super) fn left(&self, out: &mut dyn Write) -> fmt::Result {
        let Some(left) = self.left else { return Ok(()) };
        write_clock(left, out)?;
        out.write_str(" left")
    }

    /// `, 3 errors`, and nothing where there are none.
    pub(super) fn errors(&self, out: &mut dyn Write) -> fmt::Result {
        match self.errors {
            0 => Ok(()),
            1 => out.write_str(", 1 error"),
            errors => write!(out, ", {} errors", HumanCount(errors)),
        }
    }
}

/// Rounded down, so that 100% is said of a whole run alone.
fn percent(done: u64, total: u64) -> u64 {
    if done >= total {
        return 100;
    }
    // `done` is below `total`, so that the quotient is below 100.
    (u128::from(done) * 100 / u128::from(total)) as u64
}

/// A duration in whole seconds: `7s`, `1:07`, `1:00:07`, `2d 1:00:07`.
fn write_clock(time: Duration, out: &mut dyn Write) -> fmt::Result {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => write!(out, "{seconds}s"),
        (0, 0, _) => write!(out, "{minutes}:{:02}", seconds % 60),
        (0, ..) => write!(out, "{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => write!(out, "{days}d {}:{:02}:{:02}", hours % 24, minutes % 60, seconds % 60),
    }
}

/// What a run or an item took: with fractions where it was short.
pub(super) fn write_took(time: Duration, out: &mut dyn Write) -> fmt::Result {
    // Rounded before it is looked at, or a minute could read as sixty seconds.
    let tenths = (time.as_millis() + 50) / 100;
    if tenths < 600 {
        write!(out, "{}.{}s", tenths / 10, tenths % 10)
    } else {
        write_clock(time + Duration::from_millis(50), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> String {
        let mut text = String::new();
        write(&mut text).unwrap();
        text
    }

    fn clock(seconds: u64) -> String {
        text(|out| write_clock(Duration::from_secs(seconds), out))
    }

    #[test]
    fn durations_read_as_a_clock() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 90_061].map(clock),
            ["0s", "59s", "1:00", "59:59", "1:00:00", "1d 1:01:01"]
        );
        let took = |millis| text(|out| write_took(Duration::from_millis(millis), out));
        assert_eq!(
            [0, 349, 59_940, 59_960, 61_000].map(took),
            ["0.0s", "0.3s", "59.9s", "1:00", "1:01"]
        );
    }

    #[test]
    fn a_slow_rate_is_told_by_the_minute_or_the_hour() {
        let rate = |rate| {
            let status = Status { rate: Some(rate), ..Status::default() };
            text(|out| status.rate(out))
        };
        assert_eq!(
            [12_345.6, 12.34, 1.0, 0.5, 0.01].map(rate),
            ["12,346/s", "12.3/s", "1/s", "30/min", "36/h"]
        );
    }

    #[test]
    fn one_hundred_percent_is_the_whole() {
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(12, 10), 100);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }

    #[test]
    fn a_status_says_only_what_is_known() {
        let mut status = Status { done: 1_200, unit: "lines".into(), ..Status::default() };
        assert_eq!(text(|out| status.progress(out)), "1,200 lines, 0s");
        status.total = Some(5_000);
        status.rate = Some(310.0);
        status.left = Some(Duration::from_secs(72));
        status.elapsed = Duration::from_secs(4);
        assert_eq!(
            text(|out| status.progress(out)),
            "1,200/5,000 lines (24%), 310/s, 4s, 1:12 left"
        );
        status.left = None;
        status.unit = "".into();
        status.phase = Phase::Ending;
        assert_eq!(text(|out| status.progress(out)), "ending, 1,200/5,000 (24%), 310/s, 4s");
    }

    #[test]
    fn the_end_has_its_word() {
        let last = |ending| {
            let phase = Phase::Ended(ending);
            let total = Some(2);
            text(|out| Status { done: 2, total, phase, ..Status::default() }.progress(out))
        };
        assert_eq!(
            [
                Ended::Complete,
                Ended::Cancelled,
                Ended::Stopped,
                Ended::SourcePanicked,
                Ended::StartFailed
            ]
            .map(last),
            [
                "complete, 2/2 (100%) in 0.0s",
                "cancelled, 2/2 (100%) in 0.0s",
                "stopped, 2/2 (100%) in 0.0s",
                "source panicked, 2/2 (100%) in 0.0s",
                "start failed, 2/2 (100%) in 0.0s",
            ]
        );
    }

    #[test]
    fn errors_are_told_when_there_are_any() {
        let errors = |errors| {
            let status = Status { errors, ..Status::default() };
            text(|out| status.errors(out))
        };
        assert_eq!([0, 1, 2_000].map(errors), ["", ", 1 error", ", 2,000 errors"]);
    }
}
