//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::peers::ALL;
use crate::scenarios::{CASES, Case, Params};

/// What the program is asked to do.
pub(crate) enum Command {
    Measure(Options),
    /// One measurement, in this process: how the program calls itself.
    Child {
        peer: String,
        params: Params,
    },
    List,
    Help,
}

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) cases: Vec<&'static Case>,
    /// Indices into the table of peers.
    pub(crate) peers: Vec<usize>,
    pub(crate) quick: bool,
    pub(crate) verdict: bool,
    pub(crate) out: PathBuf,
}

pub(crate) const HELP: &str = "\
Measures mtask and what a user would pick instead, side by side.

Usage: cargo run --release -p mtask-bench -- [options]

  --rounds N          rounds of every measurement (9)
  --scenario NAME...  only these scenarios or cases
  --peer NAME...      only these peers; sequential and mtask are always measured
  --quick             small sizes and 3 rounds: does it run?
  --no-verdict        exit with 0 even if a line of `Must hold` fails
  --out DIR           where tables.md, plot.svg and results.csv go (target/bench)
  --list              scenarios, cases and peers
  --help";

/// Reads the arguments; an error says which one cannot be, and what can.
pub(crate) fn parse() -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    let (mut rounds, mut quick, mut verdict) = (None, false, true);
    let (mut scenarios, mut peers) = (Vec::new(), Vec::new());
    let mut out = PathBuf::from("target/bench");
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => rounds = Some(parser.value()?.parse_with(at_least_one)?),
            Long("scenario") => {
                for name in parser.values()? {
                    scenarios.extend(cases_of(&name.string()?)?);
                }
            }
            Long("peer") => {
                for name in parser.values()? {
                    peers.push(peer_of(&name.string()?)?);
                }
            }
            Long("quick") => quick = true,
            Long("no-verdict") => verdict = false,
            Long("out") => out = parser.value()?.into(),
            Long("list") => return Ok(Command::List),
            Long("child") => return child(&mut parser),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    let chosen = |case: &&Case| scenarios.is_empty() || scenarios.contains(&case.name);
    let always = ["sequential", "mtask"];
    let wanted = |&index: &usize| {
        peers.is_empty() || peers.contains(&index) || always.contains(&ALL[index].name)
    };
    Ok(Command::Measure(Options {
        rounds: rounds.unwrap_or(if quick { 3 } else { 9 }),
        cases: CASES.iter().filter(chosen).collect(),
        peers: (0..ALL.len()).filter(wanted).collect(),
        quick,
        verdict,
        out,
    }))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("`--rounds` needs at least one".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(error.to_string()),
    }
}

/// The names of the cases that a name stands for: a scenario's, or one case's own.
fn cases_of(name: &str) -> Result<Vec<&'static str>, String> {
    let named: Vec<_> = CASES
        .iter()
        .filter(|case| case.name == name || case.scenario == name)
        .map(|case| case.name)
        .collect();
    if named.is_empty() { Err(format!("no scenario `{name}`: see --list")) } else { Ok(named) }
}

fn peer_of(name: &str) -> Result<usize, String> {
    ALL.iter()
        .position(|card| card.name == name)
        .ok_or_else(|| format!("no peer `{name}`: see --list"))
}

/// `--child CASE PEER ITEMS TURNS_PER_US`
fn child(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let case = parser.value()?.string()?;
    let case = CASES
        .iter()
        .find(|known| known.name == case)
        .ok_or_else(|| format!("no case `{case}`: see --list"))?;
    let peer = parser.value()?.string()?;
    let params =
        Params { case, items: parser.value()?.parse()?, turns_per_us: parser.value()?.parse()? };
    Ok(Command::Child { peer, params })
}
