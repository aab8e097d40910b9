//! What the figures of a run mean.

use std::fmt;
use std::time::Duration;

use super::{Stats, WorkerStats};

/// The side that holds a run up; from [`Stats::bottleneck`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Bottleneck {
    /// The source: workers wait for items.
    Source,
    /// The workers: they are busy, and there is a processor for each that the machine has.
    Workers,
    /// There are fewer workers than processors, and they are busy.
    TooFewWorkers,
    /// The consumer: the window is full of results that it does not take.
    Consumer,
    /// Slow items among quick ones: the window is full behind one that is not done.
    SlowItems,
    /// The builds of the workers.
    Builds,
    /// The delays of retries: workers sleep between attempts, or the window is full behind an item that waits
    /// for its next one.
    Retries,
}

/// As the sentence that ends a table of [`Stats`] begins: `source-bound`.
impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Source => "source-bound",
            Self::Workers | Self::TooFewWorkers => "worker-bound",
            Self::Consumer => "consumer-bound",
            Self::SlowItems => "held up by slow items",
            Self::Builds => "build-bound",
            Self::Retries => "retry-bound",
        })
    }
}

/// What part of the workers' time decides. Below it nothing stands out.
const DECISIVE: f64 = 0.25;

/// The parts of the workers' time, from 0 to 1.
struct Parts {
    building: f64,
    working: f64,
    input: f64,
    room: f64,
    retry: f64,
    /// The part of the run for which the consumer waited.
    consumer: f64,
}

fn parts(stats: &Stats) -> Option<Parts> {
    let sum = |time: fn(&WorkerStats) -> Duration| -> f64 {
        stats.workers.iter().map(|worker| time(worker).as_secs_f64()).sum()
    };
    let total = sum(WorkerStats::total);
    (total > 0.0 && !stats.elapsed.is_zero()).then(|| Parts {
        building: sum(|worker| worker.building) / total,
        working: sum(|worker| worker.working) / total,
        input: sum(|worker| worker.awaiting_input + worker.pulling) / total,
        room: sum(|worker| worker.awaiting_room) / total,
        retry: sum(|worker| worker.awaiting_retry) / total,
        consumer: stats.consumer_waited.as_secs_f64() / stats.elapsed.as_secs_f64(),
    })
}

pub(super) fn bottleneck(stats: &Stats, cores: usize) -> Option<Bottleneck> {
    let parts = parts(stats)?;
    let most = [parts.building, parts.working, parts.input, parts.room, parts.retry]
        .into_iter()
        .fold(0.0, f64::max);
    if parts.room >= DECISIVE && parts.room >= parts.input {
        // The window is full: of what the consumer does not take, or of what it cannot take yet.
        Some(if parts.consumer < 0.5 {
            Bottleneck::Consumer
        } else if parts.retry > parts.working {
            Bottleneck::Retries
        } else {
            Bottleneck::SlowItems
        })
    } else if parts.retry >= DECISIVE && parts.retry == most {
        Some(Bottleneck::Retries)
    } else if parts.input >= DECISIVE {
        Some(Bottleneck::Source)
    } else if parts.building == most {
        Some(Bottleneck::Builds)
    } else if parts.working < 0.5 {
        None
    } else if stats.workers.len() < cores {
        Some(Bottleneck::TooFewWorkers)
    } else {
        Some(Bottleneck::Workers)
    }
}

pub(super) fn sentence(stats: &Stats, cores: usize) -> String {
    let (Some(side), Some(parts)) = (bottleneck(stats, cores), parts(stats)) else {
        return "no side stands out".to_owned();
    };
    let percent = |part: f64| format!("{:.0} %", 100.0 * part);
    let workers = stats.workers.len();
    let why = match side {
        Bottleneck::Source => format!(
            "{} of worker time went into getting input; make the source faster, or use fewer workers",
            percent(parts.input)
        ),
        Bottleneck::Workers => format!(
            "{} of worker time was work, on all {cores} processors; make the work cheaper, or use more machines",
            percent(parts.working)
        ),
        Bottleneck::TooFewWorkers => format!(
            "{} of worker time was work; {workers} of {cores} processors have a worker, so use more",
            percent(parts.working)
        ),
        Bottleneck::Consumer => format!(
            "{} of worker time was waiting for room; make the loop that takes the results faster",
            percent(parts.room)
        ),
        Bottleneck::SlowItems => format!(
            "{} of worker time was waiting for room behind an item that was not done; raise `.max_in_flight(..)`, or use `.unordered()`",
            percent(parts.room)
        ),
        Bottleneck::Builds => format!(
            "{} of worker time was building; keep the workers in a `Pool`, or use fewer",
            percent(parts.building)
        ),
        Bottleneck::Retries => format!(
            "{} of worker time was the delay before retries; make the delay shorter, or use more workers",
            percent(parts.retry)
        ),
    };
    format!("{side}: {why}")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A run of a second with these workers, all four of whose seconds are accounted for.
    fn run(worker: WorkerStats) -> Stats {
        let second = Duration::from_secs(1);
        Stats {
            elapsed: second,
            consumer_waited: second,
            workers: vec![worker; 4],
            ..Stats::default()
        }
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn delays_before_retries_are_told_where_they_hold_the_run_up() {
        let rest = WorkerStats { working: ms(300), awaiting_retry: ms(700), ..Default::default() };
        assert_eq!(bottleneck(&run(rest.clone()), 4), Some(Bottleneck::Retries));
        let text = sentence(&run(rest.clone()), 4);
        assert!(text.starts_with("retry-bound: 70 % of worker time"), "{text}");
        // The window is full behind an item that waits for its next attempt.
        let full = WorkerStats {
            working: ms(50),
            awaiting_retry: ms(250),
            awaiting_room: ms(700),
            ..Default::default()
        };
        assert_eq!(bottleneck(&run(full.clone()), 4), Some(Bottleneck::Retries));
        // Behind one that takes long by itself, behind the consumer, behind the source.
        let slow = WorkerStats { working: ms(250), awaiting_retry: ms(50), ..full.clone() };
        assert_eq!(bottleneck(&run(slow), 4), Some(Bottleneck::SlowItems));
        let consumer = Stats { consumer_waited: ms(100), ..run(full) };
        assert_eq!(bottleneck(&consumer, 4), Some(Bottleneck::Consumer));
        let source = WorkerStats {
            working: ms(300),
            awaiting_input: ms(600),
            awaiting_retry: ms(100),
            ..Default::default()
        };
        assert_eq!(bottleneck(&run(source), 4), Some(Bottleneck::Source));
        let work = WorkerStats { working: ms(900), awaiting_retry: ms(100), ..Default::default() };
        assert_eq!(bottleneck(&run(work), 4), Some(Bottleneck::Workers));
    }

    #[test]
    fn each_side_is_named_by_what_most_of_the_time_went_into() {
        let pulling = WorkerStats { working: ms(200), pulling: ms(800), ..Default::default() };
        let working = WorkerStats { working: ms(800), pulling: ms(200), ..Default::default() };
        let building = WorkerStats { building: ms(600), working: ms(400), ..Default::default() };
        let full = WorkerStats { working: ms(300), awaiting_room: ms(700), ..Default::default() };
        let even = WorkerStats {
            building: ms(100),
            working: ms(450),
            pulling: ms(240),
            awaiting_room: ms(210),
            ..Default::default()
        };
        for (worker, cores, side, start) in [
            (&pulling, 4, Some(Bottleneck::Source), "source-bound: 80 % of worker time"),
            (&working, 4, Some(Bottleneck::Workers), "worker-bound: 80 % of worker time"),
            (&working, 8, Some(Bottleneck::TooFewWorkers), "worker-bound: 80 % of worker time"),
            (&building, 4, Some(Bottleneck::Builds), "build-bound: 60 % of worker time"),
            (&full, 4, Some(Bottleneck::SlowItems), "held up by slow items: 70 %"),
            (&even, 4, None, "no side stands out"),
        ] {
            assert_eq!(bottleneck(&run(worker.clone()), cores), side, "{worker:?}");
            let text = sentence(&run(worker.clone()), cores);
            assert!(text.starts_with(start), "{text}");
        }
        let text = sentence(&run(working), 8);
        assert!(text.contains("4 of 8 processors have a worker, so use more"), "{text}");
        let text = sentence(&run(full.clone()), 4);
        assert!(text.contains(".max_in_flight("), "{text}");
        let consumer = Stats { consumer_waited: ms(100), ..run(full) };
        assert!(sentence(&consumer, 4).starts_with("consumer-bound: 70 %"));
        assert_eq!(bottleneck(&Stats::default(), 4), None);
    }
}
