//! The order of measurements: peers side by side within a round, round by round.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use crate::child::{self, Outcome};
use crate::cli::Options;
use crate::machine;
use crate::peers::{ALL, Card, SEQUENTIAL, STATEFUL};
use crate::results::Results;
use crate::scenarios::{Case, Params};
use crate::work::turns_per_us;

/// What a measurement of time an item may take, by a first guess.
const SECONDS: f64 = 2.5;
const PATIENCE: Duration = Duration::from_secs(3);
/// The share of the items that is measured first, for the guess.
const GUESS: u64 = 50;

/// The sum of the results and the one that depends on their order.
type Sums = (Option<u64>, Option<u64>);

pub(crate) struct Rounds<'a> {
    options: &'a Options,
    /// How long a measurement waits for an idle machine.
    patience: Duration,
    turns_per_us: f64,
    /// The sums of the sequential loop, by case and number of items.
    sums: HashMap<(&'static str, u64), Sums>,
    pub(crate) results: Results,
    pub(crate) measurements: usize,
    /// Measurements that began while something else was running.
    pub(crate) busy: usize,
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        // Whether it runs at all can be seen on a busy machine too.
        let patience = if options.quick { Duration::ZERO } else { PATIENCE };
        machine::wait_until_idle(patience);
        Self {
            options,
            patience,
            turns_per_us: turns_per_us(),
            sums: HashMap::new(),
            results: Results::default(),
            measurements: 0,
            busy: 0,
        }
    }

    /// Measures one case, all peers and all rounds of it.
    pub(crate) fn measure(&mut self, case: &'static Case) -> io::Result<()> {
        let scenario = case.scenario();
        let items = if self.options.quick { case.quick_items } else { case.items };
        let mut peers = Vec::new();
        for &peer in &self.options.peers {
            if case.without(&ALL[peer], STATEFUL).is_none() {
                let items =
                    if scenario.throughput { self.cut(case, &ALL[peer], items)? } else { items };
                peers.push((&ALL[peer], items));
            }
        }
        let rounds = self.options.rounds.min(scenario.most_rounds);
        for round in 0..rounds {
            eprintln!("{}: round {} of {rounds}", case.name, round + 1);
            // Nobody is always the first one after a pause, or always behind the same neighbour.
            peers.rotate_left(1);
            for &(card, items) in &peers {
                let hopeless = self
                    .results
                    .series(case.name, card.name)
                    .is_some_and(|series| series.trouble().is_some());
                if !hopeless {
                    let outcome = self.checked(case, card, items)?;
                    self.results.push(case, card, outcome);
                }
            }
        }
        if scenario.throughput {
            self.results.compare(case);
        }
        Ok(())
    }

    /// As many items as the peer does in a reasonable time.
    fn cut(&mut self, case: &'static Case, card: &Card, items: u64) -> io::Result<u64> {
        let few = items.div_ceil(GUESS);
        Ok(match self.once(case, card, few)? {
            Outcome::Measured(figures) => {
                let all = figures.get("ns").unwrap_or(0.0) * items as f64 / 1e9;
                let share = (SECONDS / all).min(1.0);
                ((items as f64 * share) as u64).max(few)
            }
            Outcome::NeverReturns(_) => few,
            // What is wrong with few items is for the rounds to find and to show.
            _ => items,
        })
    }

    /// One measurement, whose results have to be those of the sequential loop.
    fn checked(&mut self, case: &'static Case, card: &Card, items: u64) -> io::Result<Outcome> {
        let outcome = self.once(case, card, items)?;
        let Outcome::Measured(figures) = &outcome else { return Ok(outcome) };
        if figures.sum.is_none() {
            return Ok(outcome);
        }
        let (sum, chain) = self.reference(case, items)?;
        Ok(if figures.sum != sum {
            Outcome::Wrong("not the results of the sequential loop".to_owned())
        } else if card.ordered && figures.chain != chain {
            Outcome::Wrong("results out of order".to_owned())
        } else {
            outcome
        })
    }

    /// The sums that the sequential loop has for so many items.
    fn reference(&mut self, case: &'static Case, items: u64) -> io::Result<Sums> {
        if let Some(&known) = self.sums.get(&(case.name, items)) {
            return Ok(known);
        }
        let card = &ALL[SEQUENTIAL];
        let Outcome::Measured(figures) = self.once(case, card, items)? else {
            return Err(io::Error::other(format!(
                "{}: the sequential loop gives no result to compare with",
                case.name
            )));
        };
        let sums = (figures.sum, figures.chain);
        self.sums.insert((case.name, items), sums);
        Ok(sums)
    }

    fn once(&mut self, case: &'static Case, card: &Card, items: u64) -> io::Result<Outcome> {
        self.measurements += 1;
        self.busy += usize::from(!machine::wait_until_idle(self.patience));
        child::run(card.name, &Params { case, items, turns_per_us: self.turns_per_us })
    }
}
