//! mtask with an eye on it: what its statistics and its bar cost.

use std::io;
use std::ops::ControlFlow;

use mtask::indicatif::{ProgressBar, ProgressDrawTarget, TermLike};
use mtask::prelude::*;

use super::{Card, Peer};
use crate::sink::{Failure, Sink};
use crate::source::Source;

/// With a bar, or with its statistics asked for at every thousandth result.
pub(crate) struct Watched<const BAR: bool>;

/// A terminal of which nobody sees anything: all that a bar costs, but for the bytes.
#[derive(Debug)]
struct Nowhere;

impl TermLike for Nowhere {
    fn width(&self) -> u16 {
        80
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        std::hint::black_box(line);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        std::hint::black_box(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

impl<const BAR: bool> Peer for Watched<BAR> {
    const CARD: Card = match BAR {
        true => Card::new("mtask-bar", "mtask", "`par_stateful(..).progress_with(..)`"),
        false => Card::new("mtask-stats", "mtask", "the same, `stats()` at every 1000th result"),
    }
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
        let mut results = par_stateful(source, worker_fn(work).times(workers));
        if BAR {
            let terminal = ProgressDrawTarget::term_like(Box::new(Nowhere));
            results = results.progress_with(ProgressBar::with_draw_target(None, terminal));
        }
        let mut count = 0_usize;
        while let Some(result) = results.next() {
            count += 1;
            if !BAR && count.is_multiple_of(1_000) {
                std::hint::black_box(results.stats());
            }
            let flow = match result {
                Ok(out) => sink.item(out),
                Err(error) => {
                    sink.failed(Failure { index: error.index(), message: error.to_string() })
                }
            };
            if let ControlFlow::Break(()) = flow {
                break;
            }
        }
    }
}
