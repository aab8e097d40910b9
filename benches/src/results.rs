//! All outcomes of all measurements, and what is computed from them.

use std::collections::BTreeMap;

use crate::child::Outcome;
use crate::figures::Figures;
use crate::peers::{ALL, Card};
use crate::scenarios::Case;

/// What was measured of one peer in one case, round by round.
#[derive(Default)]
pub(crate) struct Series(pub(crate) Vec<Outcome>);

/// The middle of a figure over the rounds, and how far it spreads.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Series {
    /// What went wrong in any round: no figure is shown then.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.iter().find_map(|outcome| match outcome {
            Outcome::Measured(_) => None,
            Outcome::Wrong(what) => Some(format!("wrong: {what}")),
            Outcome::NeverReturns(limit) => Some(format!("does not return {limit}")),
            Outcome::Aborts(signal) => Some(format!("aborts ({signal})")),
            Outcome::Fails(status) => Some(format!("fails ({status})")),
        })
    }

    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figures> {
        self.0.iter().filter_map(|outcome| match outcome {
            Outcome::Measured(figures) => Some(figures),
            _ => None,
        })
    }

    /// A figure's median and quartiles, where every round has it.
    pub(crate) fn spread(&self, name: &str) -> Option<Spread> {
        if self.trouble().is_some() {
            return None;
        }
        let mut values: Vec<f64> = self.figures().filter_map(|round| round.get(name)).collect();
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Spread {
            low: quantile(&values, 0.25),
            median: quantile(&values, 0.5),
            high: quantile(&values, 0.75),
        })
    }

    /// What became of the run; more than one thing where rounds differ.
    pub(crate) fn fate(&self) -> Option<String> {
        let mut fates: Vec<&str> =
            self.figures().filter_map(|round| round.fate.as_deref()).collect();
        fates.sort_unstable();
        fates.dedup();
        (!fates.is_empty()).then(|| fates.join(" / "))
    }
}

/// A quantile of sorted values, between two of them where it falls there.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[derive(Default)]
pub(crate) struct Results {
    series: BTreeMap<(&'static str, &'static str), Series>,
}

impl Results {
    pub(crate) fn push(&mut self, case: &Case, peer: &Card, outcome: Outcome) {
        self.series.entry((case.name, peer.name)).or_default().0.push(outcome);
    }

    pub(crate) fn series(&self, case: &str, peer: &str) -> Option<&Series> {
        // The keys live as long as the program, the names asked for need not.
        self.series.iter().find(|(key, _)| **key == (case, peer)).map(|(_, series)| series)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, &Series)> {
        self.series.iter().map(|(&(case, peer), series)| (case, peer, series))
    }

    /// The median of a figure.
    pub(crate) fn median(&self, case: &str, peer: &str, figure: &str) -> Option<f64> {
        Some(self.series(case, peer)?.spread(figure)?.median)
    }

    /// The peer with the least (or the most) of a figure among those that are asked for.
    pub(crate) fn best(
        &self,
        case: &str,
        figure: &str,
        most: bool,
        among: impl Fn(&Card) -> bool,
    ) -> Option<(&'static str, f64)> {
        ALL.iter()
            .filter(|card| card.of != "mtask" && among(card))
            .filter_map(|card| Some((card.name, self.median(case, card.name, figure)?)))
            .max_by(|a, b| if most { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) })
    }

    /// Adds to each round what it is beside the same round of the sequential loop and of rayon.
    pub(crate) fn compare(&mut self, case: &Case) {
        let of = |results: &Self, peer| -> Vec<Option<f64>> {
            let Some(series) = results.series(case.name, peer) else { return Vec::new() };
            series
                .0
                .iter()
                .map(|outcome| match outcome {
                    Outcome::Measured(figures) => figures.get("ns"),
                    _ => None,
                })
                .collect()
        };
        let (sequential, rayon) = (of(self, "sequential"), of(self, "rayon-vec"));
        for (_, series) in self.series.iter_mut().filter(|(key, _)| key.0 == case.name) {
            for (round, outcome) in series.0.iter_mut().enumerate() {
                let Outcome::Measured(figures) = outcome else { continue };
                let Some(ns) = figures.get("ns") else { continue };
                if let Some(Some(sequential)) = sequential.get(round) {
                    figures.set("speedup", sequential / ns);
                    figures.set("share", sequential / ns / case.workers as f64 * 100.0);
                }
                if let Some(Some(rayon)) = rayon.get(round) {
                    figures.set("of_rayon", ns / rayon);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Results, Series};
    use crate::child::Outcome;
    use crate::figures::Figures;
    use crate::peers::{ALL, SEQUENTIAL};
    use crate::scenarios::CASES;

    fn took(ns: f64) -> Outcome {
        Outcome::Measured(Figures::default().with("ns", ns))
    }

    #[test]
    fn quartiles_fall_between_rounds() {
        let spread = Series([4.0, 1.0, 3.0, 2.0].map(took).into()).spread("ns").unwrap();
        assert_eq!((spread.low, spread.median, spread.high), (1.75, 2.5, 3.25));
    }

    #[test]
    fn one_wrong_round_hides_the_figures_of_the_others() {
        let series = Series(vec![took(1.0), Outcome::Wrong("not its results".to_owned())]);
        assert!(series.spread("ns").is_none());
        assert_eq!(series.trouble().as_deref(), Some("wrong: not its results"));
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let (case, mut results) = (&CASES[0], Results::default());
        let mtask = ALL.iter().find(|card| card.name == "mtask").unwrap();
        for (sequential, ours) in [(10.0, 5.0), (30.0, 10.0), (40.0, 10.0)] {
            results.push(case, &ALL[SEQUENTIAL], took(sequential));
            results.push(case, mtask, took(ours));
        }
        results.compare(case);
        assert_eq!(results.median(case.name, "mtask", "speedup"), Some(3.0));
        assert_eq!(results.median(case.name, "mtask", "share"), Some(150.0));
        assert_eq!(results.median(case.name, "mtask", "of_rayon"), None);
    }
}
