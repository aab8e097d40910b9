//! One run as the source of another: each with workers and a window of its own.

use mtask::prelude::*;

fn main() -> Result<(), TaskError> {
    let numbers = (1..=8u64).map(|n| n.to_string());

    // The first stage parses, and a line that is no number ends the program here.
    let parsed = par_map(numbers, 2, |line: String| line.parse::<u64>().expect("a number"));

    // The second takes what the first has finished, while the first goes on.
    let factorials = parsed
        .propagate_panics()
        .par_map(2, |n: u64| (n, (1..=n).product::<u64>()))
        .max_in_flight(4);

    for result in factorials {
        let (n, factorial) = result?;
        println!("{n}! = {factorial}");
    }
    Ok(())
}
