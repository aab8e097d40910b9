//! The figures of time an item, as bars.

use std::fmt::{self, Write as _};

use crate::peers::ALL;
use crate::results::{Results, Spread};
use crate::scenarios::Case;
use crate::tables::number;

const NAMES: f64 = 130.0;
const BARS: f64 = 330.0;
const WIDTH: f64 = NAMES + BARS + 90.0;
const ROW: f64 = 16.0;
const HEAD: f64 = 40.0;
/// A bar longer than so many times mtask's is cut, or none of the others could be told apart.
const CUT: f64 = 8.0;

/// One panel for each case that measures time an item: the share of the ideal where items take a
/// known time, the time of an item elsewhere.
pub(crate) fn svg(results: &Results, cases: &[&'static Case]) -> String {
    let mut panels = String::new();
    let mut y = 0.0;
    for case in cases.iter().filter(|case| case.scenario().throughput) {
        y += panel(&mut panels, results, case, y).expect("a string takes everything");
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" \
         height=\"{y}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <style>rect.back{{fill:#fff}} text{{fill:#222}} .title{{font-weight:bold;font-size:13px}} \
         .ours{{fill:#c8502d}} .theirs{{fill:#8fa3b5}} .spread{{stroke:#222;stroke-width:1}}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{y}\"/>\n{panels}</svg>\n"
    )
}

/// Draws a panel from `top` on; gives its height.
fn panel(text: &mut String, results: &Results, case: &Case, top: f64) -> Result<f64, fmt::Error> {
    let shares = case.item_us > 0.0;
    let (figure, unit) = if shares { ("share", "% of ideal") } else { ("ns", "ns an item") };
    let mut bars: Vec<(&str, bool, Spread)> = ALL
        .iter()
        .filter_map(|card| {
            let spread = results.series(case.name, card.name)?.spread(figure)?;
            Some((card.name, card.of == "mtask", spread))
        })
        .collect();
    bars.sort_by(|a, b| a.2.median.total_cmp(&b.2.median));
    if shares {
        bars.reverse();
    }
    let longest = bars.iter().map(|bar| bar.2.high).fold(0.0, f64::max);
    let full = match results.median(case.name, "mtask", figure) {
        Some(ours) if !shares => longest.min(CUT * ours),
        _ => longest.max(100.0),
    };
    writeln!(
        text,
        "<text class=\"title\" x=\"8\" y=\"{}\">{}: {unit}, {} workers</text>",
        top + 24.0,
        case.name,
        case.workers
    )?;
    for (row, (name, ours, spread)) in bars.iter().enumerate() {
        let y = top + HEAD + row as f64 * ROW;
        let x = |value: f64| NAMES + (value / full).min(1.0) * BARS;
        let class = if *ours { "ours" } else { "theirs" };
        let middle = y + ROW / 2.0 - 1.0;
        let cut = if spread.median > full { " →" } else { "" };
        writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{NAMES}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"/>\
             <line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{1}\">{}{cut}</text>",
            NAMES - 6.0,
            y + 10.0,
            y + 1.0,
            x(spread.median) - NAMES,
            ROW - 4.0,
            x(spread.low),
            x(spread.high),
            x(spread.high) + 6.0,
            number(spread.median, 1),
        )?;
    }
    Ok(HEAD + bars.len() as f64 * ROW + 10.0)
}
