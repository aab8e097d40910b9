//! State without a type of its own: `init_fn` runs once in each worker's thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

use mtask::prelude::*;

fn main() -> Result<(), TaskError> {
    let spec = init_fn(|| {
        // Expensive in earnest: a model, a connection. And `!Send`: it never leaves its thread.
        let cache = Rc::new(RefCell::new(HashMap::new()));
        Ok::<_, Infallible>(move |word: &'static str| {
            *cache
                .borrow_mut()
                .entry(word)
                .or_insert_with(|| word.chars().rev().collect::<String>().len())
        })
    });

    let words = ["one", "three", "one"];
    let mut lengths = par_stateful(words, spec.times(2));
    for length in lengths.by_ref() {
        println!("{}", length?);
    }
    assert_eq!(lengths.ended(), Some(Ended::Complete));
    Ok(())
}
