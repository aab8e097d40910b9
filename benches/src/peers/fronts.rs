//! mtask by its other fronts: what each asks for that an iterator with threads does not.

use std::ops::ControlFlow;

use futures::StreamExt;
use futures::executor::block_on;
use futures::stream;
use mtask::prelude::*;

use super::mtask::failed;
use super::{Card, Peer};
use crate::sink::Sink;
use crate::source::Source;

/// On the consumer's own thread.
pub(crate) struct Inline;

/// Over a source that the consumer pulls.
pub(crate) struct Local;

/// Over a stream, as a stream.
pub(crate) struct Stream;

const fn front(name: &'static str, how: &'static str) -> Card {
    Card::new(name, "mtask", how).published().ordered().lazy().bounded().front()
}

fn give<O>(result: Result<O, TaskError>, sink: &mut impl Sink<O>) -> ControlFlow<()> {
    match result {
        Ok(out) => sink.item(out),
        Err(error) => failed(&error, sink),
    }
}

impl Peer for Inline {
    const CARD: Card = front("mtask-inline", "`par_stateful(..).inline()`");

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let mut results = par_stateful(source, worker_fn(work).times(workers)).inline();
        let _ = results.try_for_each(|result| give(result, sink));
    }
}

impl Peer for Local {
    const CARD: Card = front("mtask-local", "`par_stateful_local(..)`");

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let mut results = par_stateful_local(source, worker_fn(work).times(workers));
        let _ = results.try_for_each(|result| give(result, sink));
    }
}

impl Peer for Stream {
    const CARD: Card = front("mtask-stream", "`par_stateful_stream(..)`");

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let specs = worker_fn(work).times(workers);
        let mut results = par_stateful_stream(stream::iter(source), specs);
        block_on(async {
            while let Some(result) = results.next().await {
                if give(result, sink).is_break() {
                    break;
                }
            }
        });
    }
}
