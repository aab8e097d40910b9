//! The five ways to treat errors, on one input.

use mtask::prelude::*;

fn main() {
    let words = ["1", "two", "3", "0"];
    let run = || par_map(words, 2, |word: &str| word.parse::<u32>().map(|n| 6 / n));

    println!("as items: the engine's error around the worker's own");
    for item in run() {
        match item {
            Ok(Ok(n)) => println!("  {n}"),
            Ok(Err(error)) => println!("  not a number: {error}"),
            Err(error) => println!("  {error}"),
        }
    }

    println!("flattened: one error type, with index and worker");
    for item in run().flatten_errors() {
        match item {
            Ok(n) => println!("  {n}"),
            Err(error) => println!("  {error:#}"), // `#`: with its causes
        }
    }

    println!("stopping at the first");
    let mut items = run().flatten_errors().stop_on_error();
    for item in items.by_ref() {
        println!("  {item:?}");
    }
    assert_eq!(items.ended(), Some(Ended::Stopped)); // and not all of the source was read

    println!("deferred to the end");
    let mut items = run().flatten_errors().defer_errors();
    for item in items.by_ref() {
        match item {
            Ok(n) => println!("  {n}"),
            Err(errors) => errors.iter().for_each(|error| println!("  {error:#}")),
        }
    }
    assert_eq!(items.ended(), Some(Ended::Complete)); // each item was yielded, or is in the errors

    println!("none expected: a panic would resume here");
    let lengths: Vec<usize> =
        par_map(words, 2, |word: &str| word.len()).propagate_panics().collect();
    println!("  {lengths:?}");
}
