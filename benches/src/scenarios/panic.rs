//! What becomes of a run when one of its items panics.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::sink::{Failure, Sink};
use crate::source::Pulled;

const BAD: u64 = 1_000;
const MESSAGE: &str = "this one is bad";

/// The best there is: the rest of the run is not touched, and it is said which item it was, and why.
pub(crate) const NAMED: &str = "costs one item, named";

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let mut sink = Seen::default();
    let work = |x: u64| {
        assert!(x != BAD, "{MESSAGE}");
        x
    };
    let run = AssertUnwindSafe(|| {
        P::run(Pulled(0..params.items), params.case.workers, work, &mut sink);
    });
    let fate = match catch_unwind(run) {
        Err(payload) => {
            let text = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied());
            match text {
                Some(text) if text.contains(MESSAGE) => "propagates, with its message",
                _ => "propagates, message lost",
            }
        }
        Ok(()) => match &sink.failures[..] {
            [failure] if sink.results == params.items - 1 => {
                let named = failure.index == Some(BAD as usize);
                match (named, failure.message.contains(MESSAGE)) {
                    (true, true) => NAMED,
                    (true, false) => "costs one item, message lost",
                    (false, true) => "costs one item, not named, with its message",
                    (false, false) => "costs one item, not named, message lost",
                }
            }
            [] if sink.results == params.items - 1 => "item lost silently",
            [] => "ends early, silently",
            _ => "costs more than the item",
        },
    };
    let mut figures = Figures::default().with("results", sink.results as f64);
    figures.fate = Some(fate.to_owned());
    figures
}

#[derive(Default)]
struct Seen {
    results: u64,
    failures: Vec<Failure>,
}

impl Sink<u64> for Seen {
    fn item(&mut self, _: u64) -> ControlFlow<()> {
        self.results += 1;
        ControlFlow::Continue(())
    }

    fn failed(&mut self, failure: Failure) -> ControlFlow<()> {
        self.failures.push(failure);
        ControlFlow::Continue(())
    }
}
