//! Dropping a run whose workers have an item in hand.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::process;
use crate::sink::Sink;
use crate::source::endless;

/// When an item last ended.
static ENDED: Mutex<Option<Instant>> = Mutex::new(None);

const ITEM: Duration = Duration::from_millis(5);
const TIMES: usize = 20;

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let before = process::threads();
    let mut most_left = 0_f64;
    let mut late: Vec<f64> = (0..TIMES)
        .map(|_| {
            let mut sink = First { dropping: Instant::now() };
            P::run(endless(), params.case.workers, slow, &mut sink);
            let dropped = Instant::now();
            most_left = most_left.max(process::threads() - before);
            let ended = *ENDED.lock().unwrap_or_else(PoisonError::into_inner);
            // A worker without an item is late from the drop on; one that waits for nothing
            // leaves before its items have ended, and is not late at all.
            let due = ended.map_or(sink.dropping, |ended| ended.max(sink.dropping));
            dropped.saturating_duration_since(due).as_secs_f64() * 1e6
        })
        .collect();
    late.sort_by(f64::total_cmp);
    Figures::default()
        .with("late_us", late[TIMES / 2])
        .with("late_most_us", late[TIMES - 1])
        .with("threads_left", most_left)
}

fn slow(x: u64) -> u64 {
    sleep(ITEM);
    *ENDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    x
}

/// Takes one result, and stops a little later, when the workers have the next ones in hand.
struct First {
    dropping: Instant,
}

impl Sink<u64> for First {
    fn item(&mut self, _: u64) -> ControlFlow<()> {
        sleep(ITEM / 5);
        self.dropping = Instant::now();
        ControlFlow::Break(())
    }
}
