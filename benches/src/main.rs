//! mtask and what a user would pick instead, measured side by side: see the README beside this.

mod child;
mod cli;
mod figures;
mod machine;
mod peers;
mod plot;
mod process;
mod results;
mod rounds;
mod scenarios;
mod sink;
mod source;
mod tables;
mod verdict;
mod versions;
mod work;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use cli::{Command, Options};
use rounds::Rounds;

fn main() -> ExitCode {
    match answer() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mtask-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn answer() -> Result<ExitCode, Box<dyn Error>> {
    match cli::parse()? {
        Command::Measure(options) => measure(&options),
        Command::Child { peer, params } => {
            println!("{}", peers::measure(&peer, &params)?.line());
            Ok(ExitCode::SUCCESS)
        }
        Command::List => {
            list();
            Ok(ExitCode::SUCCESS)
        }
        Command::Help => {
            println!("{}", cli::HELP);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Measures, writes the files, and fails if something that has to hold does not.
fn measure(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    fs::create_dir_all(&options.out)
        .map_err(|error| format!("--out {}: {error}", options.out.display()))?;
    let mut rounds = Rounds::new(options);
    for case in &options.cases {
        rounds.measure(case)?;
    }
    let lines = verdict::lines(&rounds.results);
    let mut text = tables::markdown(&rounds, &options.cases, options.rounds);
    text.push_str(&verdict::markdown(&lines));
    println!("{text}");
    let write = |name: &str, text: &str| {
        let path = options.out.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    write("tables.md", &text)?;
    write("plot.svg", &plot::svg(&rounds.results, &options.cases))?;
    write("results.csv", &tables::csv(&rounds.results))?;
    let fine = verdict::all_hold(&lines) || !options.verdict;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list() {
    println!("scenarios (a scenario's cases in brackets):");
    for scenario in scenarios::SCENARIOS {
        let cases: Vec<_> = scenarios::CASES
            .iter()
            .filter(|case| case.scenario == scenario.name)
            .map(|case| case.name)
            .collect();
        println!("  {} ({})\n      {}", scenario.name, cases.join(", "), scenario.about);
    }
    println!("peers:");
    for card in peers::ALL {
        println!("  {} ({}): {}", card.name, versions::named(card.of), card.how);
    }
}
