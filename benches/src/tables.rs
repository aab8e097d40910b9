//! The figures as Markdown and as CSV.

use std::fmt::{self, Write as _};

use crate::machine;
use crate::peers::{ALL, STATEFUL};
use crate::results::{Results, Series, Spread};
use crate::rounds::Rounds;
use crate::scenarios::{Case, Column, Peers, SCENARIOS, Scenario};
use crate::versions;

/// All tables but the verdict's.
pub(crate) fn markdown(rounds: &Rounds<'_>, cases: &[&'static Case], most: usize) -> String {
    let mut text = String::new();
    write(&mut text, rounds, cases, most).expect("a string takes everything");
    text
}

fn write(
    text: &mut String,
    rounds: &Rounds<'_>,
    cases: &[&'static Case],
    most: usize,
) -> fmt::Result {
    writeln!(text, "# mtask, and what a user would pick instead\n")?;
    writeln!(text, "{}", machine::description(most, rounds.busy, rounds.measurements))?;
    writeln!(
        text,
        "Medians over the rounds, with the quartiles in brackets. A ratio is taken within each \
         round, before the median. Each measurement is a process of its own; the peers take turns \
         within a round. *% of ideal* is the sequential time, divided by the workers and by the \
         measured time. Where a peer is too slow for all items it is measured with fewer, which \
         the column *items* tells. Results that differ from the sequential loop's are never shown \
         as figures.\n"
    )?;
    for scenario in SCENARIOS {
        let cases: Vec<_> =
            cases.iter().filter(|case| case.scenario == scenario.name).copied().collect();
        if cases.is_empty() {
            continue;
        }
        writeln!(text, "## {}\n\n{}\n", scenario.name, scenario.about)?;
        for case in cases {
            table(text, &rounds.results, scenario, case)?;
        }
    }
    peers(text, &rounds.results)
}

fn table(text: &mut String, results: &Results, scenario: &Scenario, case: &Case) -> fmt::Result {
    let items = if scenario.throughput {
        format!(", {} items", grouped(case.items))
    } else {
        String::new()
    };
    let workers = if case.workers == 1 { "1 worker" } else { &format!("{} workers", case.workers) };
    writeln!(text, "**{}**: {workers}{items}\n", case.name)?;
    let fate = scenario.name == "panic";
    write!(text, "| peer |")?;
    if fate {
        write!(text, " what becomes of it |")?;
    }
    for Column(title, ..) in scenario.columns {
        write!(text, " {title} |")?;
    }
    let columns = scenario.columns.len() + usize::from(fate);
    writeln!(text, "\n|---|{}", "--:|".repeat(columns))?;
    let mut without = Vec::new();
    for card in ALL {
        if let Some(why) = case.without(card, STATEFUL) {
            if scenario.peers != Peers::All {
                // What the scenario says of itself tells who is left out.
                continue;
            }
            let place = without.iter().position(|&known| known == why).unwrap_or_else(|| {
                without.push(why);
                without.len() - 1
            });
            writeln!(text, "| {} | — [{}]{}", card.name, place + 1, " |".repeat(columns))?;
        } else if let Some(series) = results.series(case.name, card.name) {
            let name = if card.of == "mtask" {
                format!("**{}**", card.name)
            } else {
                card.name.to_owned()
            };
            writeln!(text, "| {name} |{}", cells(series, scenario, columns))?;
        }
    }
    writeln!(text)?;
    for (place, why) in without.iter().enumerate() {
        writeln!(text, "[{}] {why}  ", place + 1)?;
    }
    writeln!(text)
}

fn cells(series: &Series, scenario: &Scenario, columns: usize) -> String {
    if let Some(trouble) = series.trouble() {
        return format!(" {trouble}{}", " |".repeat(columns));
    }
    let fate = series.fate().map(|fate| format!(" {fate} |"));
    let figures = scenario.columns.iter().map(|&Column(_, figure, digits)| {
        series
            .spread(figure)
            .map_or_else(|| " — |".to_owned(), |spread| format!(" {} |", shown(spread, digits)))
    });
    fate.into_iter().chain(figures).collect()
}

/// The median, and the quartiles where they say anything else.
fn shown(Spread { low, median, high }: Spread, digits: usize) -> String {
    let median = number(median, digits);
    let (low, high) = (number(low, digits), number(high, digits));
    if low == median && high == median { median } else { format!("{median} ({low}–{high})") }
}

/// A number with so many digits after its point, and its thousands apart.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if value.abs() < 10_000.0 {
        return text;
    }
    let (whole, rest) = text.split_once('.').map_or((&*text, None), |(w, r)| (w, Some(r)));
    let whole = grouped(whole.parse().unwrap_or(u64::MAX));
    rest.map_or(whole.clone(), |rest| format!("{whole}.{rest}"))
}

fn grouped(mut value: u64) -> String {
    let mut groups = Vec::new();
    while value >= 1000 {
        groups.push(format!("{:03}", value % 1000));
        value /= 1000;
    }
    groups.push(value.to_string());
    groups.reverse();
    groups.join(",")
}

fn peers(text: &mut String, results: &Results) -> fmt::Result {
    writeln!(text, "## Peers\n")?;
    writeln!(
        text,
        "*lazy*: results come while the source is still being pulled. *bounded*: what was pulled \
         and not yet consumed has a limit. *state*: measured with workers that have some of their own.\n"
    )?;
    writeln!(text, "| peer | of | how | one call | ordered | lazy | bounded | state |")?;
    writeln!(text, "|---|---|---|:-:|:-:|:-:|:-:|:-:|")?;
    let measured = |name| results.all().any(|(_, peer, _)| peer == name);
    for card in ALL.iter().filter(|card| measured(card.name)) {
        let mark = |is| if is { "●" } else { "" };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            card.name,
            versions::named(card.of),
            card.how.replace('|', "\\|"),
            mark(card.published),
            mark(card.ordered),
            mark(card.lazy),
            mark(card.bounded),
            mark(STATEFUL.contains(&card.name)),
        )?;
    }
    writeln!(text)
}

/// Each figure of each round, raw.
pub(crate) fn csv(results: &Results) -> String {
    let mut text = "case,peer,round,figure,value\n".to_owned();
    for (case, peer, series) in results.all() {
        if let Some(trouble) = series.trouble() {
            text.push_str(&format!("{case},{peer},,trouble,\"{}\"\n", trouble.replace('"', "'")));
        }
        for (round, figures) in series.figures().enumerate() {
            if let Some(fate) = &figures.fate {
                text.push_str(&format!("{case},{peer},{round},fate,\"{fate}\"\n"));
            }
            for (figure, value) in figures.numbers() {
                text.push_str(&format!("{case},{peer},{round},{figure},{value}\n"));
            }
        }
    }
    text
}
