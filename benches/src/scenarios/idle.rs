//! Processor time while nothing can be done.

use std::ops::ControlFlow;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::process::cpu_ns;
use crate::sink::Sink;
use crate::source::{Pulled, blocking_after};

/// What was going on before comes to rest.
const SETTLE: Duration = Duration::from_millis(300);
/// What a source gives before it sleeps, and a consumer takes.
const AT_ONCE: u64 = 100;
/// More than any peer holds in flight.
const ENOUGH: u64 = 100_000;

/// How long the process is looked at: a case has as many items as this has milliseconds.
fn look(params: &Params) -> Duration {
    Duration::from_millis(params.items)
}

/// The processor time that this process takes while it is looked at, in percent of a core.
fn load(look: Duration) -> f64 {
    sleep(SETTLE);
    let (start, before) = (Instant::now(), cpu_ns());
    sleep(look);
    (cpu_ns() - before) / start.elapsed().as_nanos() as f64 * 100.0
}

/// The source sleeps, and everybody waits for it.
pub(crate) fn source<P: Peer>(params: &Params) -> Figures {
    let look = look(params);
    let watch = thread::spawn(move || load(look));
    let source = blocking_after(AT_ONCE, SETTLE + look + SETTLE);
    P::run(source, params.case.workers, |x: u64| x, &mut Stalls { after: None, look, cpu: 0.0 });
    match watch.join() {
        Ok(cpu) => Figures::default().with("cpu", cpu),
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// The consumer sleeps, after some results.
pub(crate) fn consumer<P: Peer>(params: &Params) -> Figures {
    let mut sink = Stalls { after: Some(AT_ONCE), look: look(params), cpu: 0.0 };
    P::run(Pulled(0..ENOUGH), params.case.workers, |x: u64| x, &mut sink);
    Figures::default().with("cpu", sink.cpu)
}

/// Sleeps once, after so many results, and looks at the process meanwhile.
struct Stalls {
    after: Option<u64>,
    look: Duration,
    cpu: f64,
}

impl Sink<u64> for Stalls {
    fn item(&mut self, _: u64) -> ControlFlow<()> {
        match &mut self.after {
            Some(0) => {
                self.after = None;
                self.cpu = load(self.look);
            }
            Some(after) => *after -= 1,
            None => {}
        }
        ControlFlow::Continue(())
    }
}
