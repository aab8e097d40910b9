//! The standard library alone: scoped threads that share the source, and a channel.

use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::reorder::Reorder;
use super::{Card, Peer};
use crate::sink::Sink;
use crate::source::Source;

pub(crate) struct Scope;

impl Peer for Scope {
    const CARD: Card = Card::new(
        "scope-mpsc",
        "std",
        "by hand: `thread::scope`, the source in a mutex, `mpsc::channel`, reorder buffer",
    )
    .ordered()
    .lazy();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let source = Mutex::new(source.enumerate());
        let (publish, published) = channel();
        thread::scope(|scope| {
            for _ in 0..workers {
                let (source, work, publish) = (&source, &work, publish.clone());
                scope.spawn(move || {
                    loop {
                        let pulled = source.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((index, item)) = pulled else { return };
                        if publish.send((index, work(item))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(publish);
            let mut order = Reorder::new();
            for (index, out) in published {
                order.insert(index, out);
                while let Some(out) = order.pop() {
                    if sink.item(out).is_break() {
                        return;
                    }
                }
            }
        });
    }
}
