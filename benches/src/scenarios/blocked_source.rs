//! When results come whose source blocks.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::sink::Sink;
use crate::source::blocking_after;

const BLOCK: Duration = Duration::from_secs(1);

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let mut sink = Awaited { left: params.items, came: None };
    let source = blocking_after(params.items, BLOCK);
    let start = Instant::now();
    P::run(source, params.case.workers, |x: u64| x, &mut sink);
    match sink.came {
        Some(came) => Figures::default().with("ms", came.duration_since(start).as_secs_f64() * 1e3),
        None => {
            let mut figures = Figures::default();
            figures.wrong = Some(format!("ended {} results too early", sink.left));
            figures
        }
    }
}

/// Notes when the last of so many results came.
struct Awaited {
    left: u64,
    came: Option<Instant>,
}

impl Sink<u64> for Awaited {
    fn item(&mut self, _: u64) -> ControlFlow<()> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 && self.came.is_none() {
            self.came = Some(Instant::now());
        }
        ControlFlow::Continue(())
    }
}
