//! Taking some results of a source without an end.

use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::process;
use crate::sink::Sink;
use crate::source::endless;

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let mut sink = Enough { left: params.items, since: Instant::now() };
    let before = process::threads();
    P::run(endless(), params.case.workers, |x: u64| x.wrapping_mul(x), &mut sink);
    let drop = sink.since.elapsed();
    sleep(Duration::from_millis(50));
    let mut figures = Figures::default()
        .with("drop_us", drop.as_secs_f64() * 1e6)
        .with("threads_left", process::threads() - before);
    if sink.left > 0 {
        figures.wrong = Some(format!("ended {} results too early", sink.left));
    }
    figures
}

/// Takes so many results, and notes when it had enough.
struct Enough {
    left: u64,
    since: Instant,
}

impl Sink<u64> for Enough {
    fn item(&mut self, _: u64) -> ControlFlow<()> {
        self.left -= 1;
        if self.left == 0 {
            self.since = Instant::now();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
