//! Functions of a user's own around a run, with the bounds that the docs name and no others.

use mtask::prelude::*;
use mtask::{BoxSpec, ParStateful};

fn run<I, S, W>(iter: I, specs: impl IntoIterator<Item = S>) -> ParStateful<I::IntoIter, S, W>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    par_stateful(iter, specs).max_in_flight(8)
}

fn method<I, S, W>(iter: I, specs: Vec<S>) -> usize
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    iter.par_stateful(specs).count()
}

fn local<I, S, W>(iter: I, specs: Vec<S>) -> usize
where
    I: Iterator,
    I::Item: Send + 'static,
    S: Spec<W> + 'static,
    W: Worker<Input = I::Item>,
    W::Output: Send + 'static,
{
    par_stateful_local(iter, specs).count()
}

fn pooled<S, W>(specs: Vec<S>, items: Vec<W::Input>) -> usize
where
    S: Spec<W> + 'static,
    W: Worker + 'static,
    W::Input: Send + 'static,
    W::Output: Send + 'static,
{
    let mut pool = Pool::new(specs);
    let count = pool.map(items).count();
    count
}

fn boxed<T: Send + 'static, O: Send + 'static>(items: Vec<T>, specs: Vec<BoxSpec<T, O>>) -> usize {
    par_stateful(items, specs).count()
}

fn mapped<T, O>(
    items: impl Iterator<Item = T> + Send + 'static,
    call: impl FnMut(T) -> O + Clone + Send + 'static,
) -> impl Iterator<Item = Result<O, TaskError>>
where
    T: Send + 'static,
    O: Send + 'static,
{
    par_map(items, 2, call)
}

fn retried<T, O, E>(
    items: Vec<T>,
    call: impl FnMut(T) -> Result<O, E> + Clone + Send + 'static,
) -> usize
where
    T: Clone + Send + 'static,
    O: Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    par_map(items, 2, call).retries(2).flatten_errors().count()
}

fn main() {
    let specs = || worker_fn(|x: u32| x).times(2);
    assert_eq!(run(0..3, specs()).count(), 3);
    assert_eq!(method(0..3, specs().collect()), 3);
    assert_eq!(local(0..3, specs().collect()), 3);
    assert_eq!(pooled(specs().collect(), vec![1, 2]), 2);
    assert_eq!(boxed(vec![1], vec![worker_fn(|x: u32| x).boxed()]), 1);
    assert_eq!(mapped(0..3, |x| x + 1).count(), 3);
    assert_eq!(retried(vec![1, 2], Ok::<u32, String>), 2);
}
