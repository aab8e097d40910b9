//! What has to hold, and whether it does.

use std::fmt::Write as _;

use crate::peers::Card;
use crate::results::Results;
use crate::scenarios::{BUILD, NAMED};

/// A line of the verdict.
pub(crate) struct Line {
    what: String,
    figures: String,
    /// `None` where the figures were not measured.
    holds: Option<bool>,
}

/// A figure against its limit, or no figure.
fn line(what: &str, figures: Option<(bool, String)>) -> Line {
    let (holds, figures) = match figures {
        Some((holds, figures)) => (Some(holds), figures),
        None => (None, "not measured".to_owned()),
    };
    Line { what: what.to_owned(), figures, holds }
}

/// Every line, whether measured or not.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let mut lines = cost(results);
    lines.extend(share(results));
    lines.extend(behaviour(results));
    lines
}

/// What handing over costs.
fn cost(results: &Results) -> Vec<Line> {
    let median = |case, peer, figure| results.median(case, peer, figure);
    let tiny = median("tiny", "mtask", "ns");
    let streaming = |card: &Card| card.published && card.ordered && card.bounded && card.lazy;
    vec![
        line("(a) tiny: at most half of rayon's `Vec` collect", {
            median("tiny", "mtask", "of_rayon").map(|ratio| (ratio <= 0.5, format!("{ratio:.2}")))
        }),
        line("(a) tiny: at most 5 ns an item", {
            tiny.map(|ns| (ns <= 5.0, format!("{ns:.1} ns")))
        }),
        line("(a) tiny: unordered no dearer than ordered (1.05)", {
            tiny.zip(median("tiny", "mtask-unordered", "ns"))
                .map(|(ns, any)| (any <= 1.05 * ns, format!("{any:.1} ns against {ns:.1} ns")))
        }),
        line("(a) tiny: 3 times cheaper than any published ordered, lazy, bounded peer", {
            tiny.zip(results.best("tiny", "ns", false, streaming)).map(|(ns, (peer, best))| {
                (best >= 3.0 * ns, format!("{ns:.1} ns against {best:.1} ns ({peer})"))
            })
        }),
        line("(c) lines: at most 110 ns, or within 5 % of the best", {
            let best = results.best("lines", "ns", false, |card| card.name != "sequential");
            median("lines", "mtask", "ns").zip(best).map(|(ns, (peer, best))| {
                let holds = ns <= 110.0 || ns <= 1.05 * best;
                (holds, format!("{ns:.1} ns against {best:.1} ns ({peer})"))
            })
        }),
        line("(h) small_run: at most twice two scoped threads and a channel", {
            let [ours, theirs] =
                ["mtask", "scope-mpsc"].map(|peer| median("small_run", peer, "us"));
            ours.zip(theirs).map(|(ours, theirs)| {
                (ours <= 2.0 * theirs, format!("{ours:.1} µs against {theirs:.1} µs"))
            })
        }),
    ]
}

/// How near to the ideal.
fn share(results: &Results) -> Vec<Line> {
    let share = |case| results.median(case, "mtask", "share");
    let mut lines = vec![line("(b) micro: at least 97 % of ideal", {
        share("micro").map(|share| (share >= 97.0, format!("{share:.1} %")))
    })];
    for case in ["twenty", "skewed"] {
        let streaming = |card: &Card| card.lazy && card.bounded;
        let best = results.best(case, "share", true, streaming);
        let what = format!(
            "(b) {case}: at least 96.5 % of ideal, and within 1 point of the best lazy, bounded peer"
        );
        lines.push(line(&what, {
            share(case).zip(best).map(|(share, (peer, best))| {
                let holds = share >= 96.5 && share >= best - 1.0;
                (holds, format!("{share:.1} % against {best:.1} % ({peer})"))
            })
        }));
    }
    for (peer, what) in [("mtask-stats", "statistics asked for"), ("mtask-bar", "a bar")] {
        let share = |peer| results.median("micro", peer, "share");
        lines.push(line(&format!("micro: {what} cost less than 1 %"), {
            share(peer).zip(share("mtask")).map(|(with, without)| {
                (with >= 0.99 * without, format!("{with:.1} % with, {without:.1} % without"))
            })
        }));
    }
    lines.push(line("(d) sleeping, 16 workers: within 1 % of the best", {
        let best = results.best("sleeping-16", "ns", false, |_| true);
        results.median("sleeping-16", "mtask", "ns").zip(best).map(|(ns, (peer, best))| {
            (ns <= 1.01 * best, format!("{ns:.0} ns against {best:.0} ns ({peer})"))
        })
    }));
    lines
}

/// What else was promised.
fn behaviour(results: &Results) -> Vec<Line> {
    let median = |case, peer, figure| results.median(case, peer, figure);
    let mut lines = Vec::new();
    for peer in ["mtask", "mtask-unordered", "mtask-1024"] {
        lines.push(line(&format!("(e) stalled_first: less than 10 MiB ({peer})"), {
            median("stalled_first", peer, "mib").map(|mib| (mib < 10.0, format!("{mib:.1} MiB")))
        }));
    }
    lines.push(line("(e) stalled_first: a window of 1024 holds", {
        median("stalled_first", "mtask-1024", "in_flight")
            .map(|most| (most <= 1024.0, format!("{most:.0} in flight")))
    }));
    for case in ["blocked_source-2", "blocked_source-1"] {
        lines.push(line(&format!("(f) {case}: the 100th result within 3 ms"), {
            median(case, "mtask", "ms").map(|ms| (ms <= 3.0, format!("{ms:.2} ms")))
        }));
    }
    for case in ["idle-source", "idle-consumer"] {
        lines.push(line(&format!("(f) {case}: less than 0.1 % of a core"), {
            median(case, "mtask", "cpu").map(|cpu| (cpu < 0.1, format!("{cpu:.3} %")))
        }));
    }
    lines.push(line("(g) builds: one a worker, in less time than two take", {
        let [builds, seconds] =
            ["builds", "seconds"].map(|figure| median("builds", "mtask", figure));
        builds.zip(seconds).map(|(builds, seconds)| {
            let holds = builds == 16.0 && seconds < 2.0 * BUILD.as_secs_f64();
            (holds, format!("{builds:.0} builds in {seconds:.3} s"))
        })
    }));
    lines.push(line("(g) drop_in_hand: at most 1 ms after the last item, no thread left", {
        let [late, left] =
            ["late_us", "threads_left"].map(|figure| median("drop_in_hand", "mtask", figure));
        late.zip(left).map(|(late, left)| {
            (late <= 1_000.0 && left == 0.0, format!("{late:.0} µs, {left:.0} threads"))
        })
    }));
    lines.push(line("early_drop: no thread left", {
        median("early_drop", "mtask", "threads_left")
            .map(|left| (left == 0.0, format!("{left:.0} threads")))
    }));
    lines.push(line("panic: costs one item, and says which", {
        let fate = results
            .series("panic", "mtask")
            .map(|series| series.fate().or_else(|| series.trouble()).unwrap_or_default());
        fate.map(|fate| (fate == NAMED, fate))
    }));
    lines
}

pub(crate) fn all_hold(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.holds != Some(false))
}

pub(crate) fn markdown(lines: &[Line]) -> String {
    let mut text = "## Must hold\n\n| | what | figures |\n|---|---|---|\n".to_owned();
    for Line { what, figures, holds } in lines {
        let verdict = match holds {
            Some(true) => "PASS",
            Some(false) => "**FAIL**",
            None => "—",
        };
        writeln!(text, "| {verdict} | {what} | {figures} |").expect("a string takes everything");
    }
    text
}
