//! What is measured: the table of cases, and the way from a case to its code.

mod blocked_source;
pub(crate) mod builds;
mod drop_in_hand;
mod early_drop;
mod idle;
mod lines;
mod panic;
mod small_run;
mod stalled_first;
mod table;
mod throughput;

pub(crate) use builds::BUILD;
pub(crate) use panic::NAMED;
pub(crate) use table::{CASES, Case, Column, Peers, SCENARIOS, Scenario};

use crate::figures::Figures;
use crate::peers::Peer;

/// What a child is told.
pub(crate) struct Params {
    pub(crate) case: &'static Case,
    pub(crate) items: u64,
    /// Turns of [`crate::work::spin`] that take a microsecond.
    pub(crate) turns_per_us: f64,
}

/// Runs a case with one peer, in this process.
pub(crate) fn measure<P: Peer>(params: &Params) -> Result<Figures, String> {
    let measure = match params.case.scenario {
        "tiny" | "fronts" => throughput::tiny::<P>,
        "alone" | "micro" | "twenty" => throughput::even::<P>,
        "skewed" => throughput::skewed::<P>,
        "sleeping" => throughput::sleeping::<P>,
        "lines" => lines::measure::<P>,
        "stalled_first" => stalled_first::measure::<P>,
        "early_drop" => early_drop::measure::<P>,
        "drop_in_hand" => drop_in_hand::measure::<P>,
        "panic" => panic::measure::<P>,
        "blocked_source" => blocked_source::measure::<P>,
        "idle" => match params.case.name {
            "idle-source" => idle::source::<P>,
            _ => idle::consumer::<P>,
        },
        "small_run" => small_run::measure::<P>,
        "builds" => return Err(format!("`{}` has no workers with state", P::CARD.name)),
        other => return Err(format!("there is no scenario `{other}`: see --list")),
    };
    Ok(measure(params))
}
