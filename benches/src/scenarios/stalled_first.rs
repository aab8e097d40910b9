//! What piles up behind a first item that takes long.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Params;
use crate::figures::Figures;
use crate::peers::Peer;
use crate::process;
use crate::sink::Sink;
use crate::source::Pulled;

static PULLED: AtomicU64 = AtomicU64::new(0);

/// What the first item takes.
const STALL: Duration = Duration::from_secs(1);
const BYTES: usize = 1024;

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let source = Pulled((0..params.items).map(|index| {
        PULLED.fetch_add(1, Ordering::Relaxed);
        let mut item = vec![1; BYTES];
        item[..8].copy_from_slice(&index.to_le_bytes());
        item
    }));
    let work = |item: Vec<u8>| {
        if item[..8] == [0; 8] {
            sleep(STALL);
        }
        item
    };
    let mut sink = InFlight { yielded: 0, most: 0 };
    let mut wrong = None;
    let before = process::start_of_peak().unwrap_or_else(|error| {
        wrong = Some(format!("the peak of memory cannot be set back: {error}"));
        f64::NAN
    });
    let start = Instant::now();
    P::run(source, params.case.workers, work, &mut sink);
    let took = start.elapsed();
    if sink.yielded != params.items {
        wrong = Some(format!("{} results for {} items", sink.yielded, params.items));
    }
    let mut figures = Figures::default()
        .with("mib", process::peak() - before)
        .with("in_flight", sink.most as f64)
        .with("seconds", took.as_secs_f64());
    figures.wrong = wrong;
    figures
}

/// The most items that were pulled and not yet yielded.
struct InFlight {
    yielded: u64,
    most: u64,
}

impl Sink<Vec<u8>> for InFlight {
    fn item(&mut self, _: Vec<u8>) -> ControlFlow<()> {
        // An item counts until the consumer comes back for the next one.
        self.most = self.most.max(PULLED.load(Ordering::Relaxed) - self.yielded);
        self.yielded += 1;
        ControlFlow::Continue(())
    }
}
