//! tokio's blocking tasks, as a buffered stream.

use futures::executor::block_on;
use futures::{StreamExt, stream};
use tokio::runtime::Builder;

use super::{Card, Peer};
use crate::sink::{Failure, Sink};
use crate::source::Source;

pub(crate) struct Buffered;

impl Peer for Buffered {
    const CARD: Card = Card::new(
        "tokio-buffered",
        "tokio",
        "`stream::iter(source).map(|x| spawn_blocking(|| f(x))).buffered(16 * n)`",
    )
    .published()
    .ordered()
    .lazy()
    .bounded();

    fn run<S, F, O>(source: S, workers: usize, work: F, sink: &mut impl Sink<O>)
    where
        S: Source,
        F: Fn(S::Item) -> O + Clone + Send + Sync + 'static,
        O: Send + 'static,
    {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(workers)
            .build()
            .expect("tokio starts");
        let mut outs = stream::iter(source)
            .map(|item| {
                let work = work.clone();
                runtime.spawn_blocking(move || work(item))
            })
            .buffered(16 * workers);
        block_on(async {
            while let Some(out) = outs.next().await {
                let flow = match out {
                    Ok(out) => sink.item(out),
                    Err(error) => sink.failed(Failure { index: None, message: error.to_string() }),
                };
                if flow.is_break() {
                    break;
                }
            }
        });
    }
}
