//! What the figures of a run mean.

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
}

/// What part of the workers' time decides. Below it nothing stands out.
const DECISIVE: f64 = 0.25;

/// The parts of the workers' time, from 0 to 1.
struct Parts {
    building: f64,
    working: f64,
    input: f64,
    room: f64,
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
        consumer: stats.consumer_waited.as_secs_f64() / stats.elapsed.as_secs_f64(),
    })
}

pub(super) fn bottleneck(stats: &Stats, cores: usize) -> Option<Bottleneck> {
    let parts = parts(stats)?;
    let most = parts.building.max(parts.working).max(parts.input).max(parts.room);
    if parts.room >= DECISIVE && parts.room >= parts.input {
        // The window is full: of what the consumer does not take, or of what it cannot take yet.
        Some(if parts.consumer < 0.5 { Bottleneck::Consumer } else { Bottleneck::SlowItems })
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
    match side {
        Bottleneck::Source => format!(
            "source-bound: {} of worker time went into getting input; make the source faster, or use fewer workers",
            percent(parts.input)
        ),
        Bottleneck::Workers => format!(
            "worker-bound: {} of worker time was work, on all {cores} processors; make the work cheaper, or use more machines",
            percent(parts.working)
        ),
        Bottleneck::TooFewWorkers => format!(
            "worker-bound: {} of worker time was work; {workers} of {cores} processors have a worker, so use more",
            percent(parts.working)
        ),
        Bottleneck::Consumer => format!(
            "consumer-bound: {} of worker time was waiting for room; make the loop that takes the results faster",
            percent(parts.room)
        ),
        Bottleneck::SlowItems => format!(
            "held up by slow items: {} of worker time was waiting for room behind an item that was not done; raise `.max_in_flight(..)`, or use `.unordered()`",
            percent(parts.room)
        ),
        Bottleneck::Builds => format!(
            "build-bound: {} of worker time was building; keep the workers in a `Pool`, or use fewer",
            percent(parts.building)
        ),
    }
}
