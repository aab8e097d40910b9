//! Groups of results are no results.
use mtask::prelude::*;

struct Groups<I>(I);

impl<I: Iterator> Iterator for Groups<I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let group: Vec<_> = self.0.by_ref().take(32).collect();
        (!group.is_empty()).then_some(group)
    }
}

fn embed(batch: Vec<u32>) -> Result<Vec<f32>, String> {
    Ok(batch.iter().map(|x| *x as f32).collect())
}

fn main() {
    let tokens = (0..100).par_map(2, |x: u32| x.checked_sub(7).ok_or("too small")).flatten_errors();
    drop(Groups(tokens).par_stateful_try(worker_fn(embed).times(1)));
}
