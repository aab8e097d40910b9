//! The counters of a run, and the thread that shows them.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::ProgressOptions;
use super::display::Display;
use super::room::Room;
use super::screen::Screen;
use crate::Ended;
use crate::observe::stats::Counters;
use crate::sync::{
    Arc, AtomicU64, Builder, Condvar, JoinHandle, Mutex, Ordering, lock, wait_timeout_while,
};

/// Says of a run that is to come to its end, so that nothing more is pulled, what it waits for: nothing unless that
/// takes long.
pub(crate) type Ending = dyn Fn() -> Option<String> + Send;

/// Counts the items of a run and has them shown.
///
/// When it is dropped, it shows how far the run came, and that it was left early unless something else was
/// noted.
pub(crate) struct Reporter {
    shared: Arc<Shared>,
    /// `None` where nothing is shown, and once the run has ended.
    ticker: Option<JoinHandle<()>>,
    room: Option<Arc<Room>>,
    ending: Ended,
}

struct Shared {
    /// Items yielded. Written by the consumer alone, read by the ticker, relaxed: it publishes
    /// nothing but itself. The consumer may move to another thread, which orders its stores.
    items: AtomicU64,
    /// Errors among them. Written and read like `items`.
    errors: AtomicU64,
    /// How the run ended: set once by the consumer, waited for by the ticker.
    ending: Mutex<Option<Ended>>,
    ended: Condvar,
}

impl Reporter {
    /// Shows a run of `length` items, where that is known.
    pub(crate) fn start(
        options: ProgressOptions,
        length: Option<u64>,
        workers: Arc<Counters>,
        ending: Box<Ending>,
    ) -> Self {
        Self::start_on(Screen::stderr(), options, length, workers, ending)
    }

    pub(super) fn start_on(
        screen: Screen,
        options: ProgressOptions,
        length: Option<u64>,
        workers: Arc<Counters>,
        ending: Box<Ending>,
    ) -> Self {
        let length = options.length.or(length);
        let shared = Arc::new(Shared {
            items: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            ending: Mutex::new(None),
            ended: Condvar::new(),
        });
        let display = Display::open(screen, options, length);
        let room = display.as_ref().and_then(Display::room).cloned();
        let ticker = display.and_then(|display| {
            let shared = Arc::clone(&shared);
            let started = Instant::now();
            // Without a thread to spare the run goes on unseen: it is about its items.
            Builder::new()
                .name("mtask-progress".to_owned())
                .spawn(move || tick(&shared, &workers, &*ending, display, started))
                .ok()
        });
        Self { shared, ticker, room, ending: Ended::Stopped }
    }

    /// Where the workers may show bars of their own.
    pub(crate) fn room(&self) -> Option<Arc<Room>> {
        self.room.clone()
    }

    /// Counts an item. By one thread at a time, so that a load and a store make an addition.
    #[inline]
    pub(crate) fn item(&self) {
        add_one(&self.shared.items);
    }

    /// Counts an error. By one thread at a time, like [`item`](Reporter::item).
    #[inline]
    pub(crate) fn error(&self) {
        add_one(&self.shared.errors);
    }

    /// Shows how the run ended.
    pub(crate) fn finish(mut self, ended: Ended) {
        self.ending = ended;
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let Some(ticker) = self.ticker.take() else { return };
        *lock(&self.shared.ending) = Some(self.ending);
        self.shared.ended.notify_one();
        // The ticker catches what a caller's style may throw, so that there is no panic to pass on.
        let _ = ticker.join();
    }
}

fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// The ticker's whole life.
fn tick(
    shared: &Shared,
    workers: &Counters,
    is_ending: &Ending,
    mut display: Display,
    started: Instant,
) {
    let shown = catch_unwind(AssertUnwindSafe(|| {
        display.begin();
        let ending = loop {
            let ending = shared.wait(display.interval());
            if let Some(ending) = ending {
                break ending;
            }
            if display.shows_workers() {
                display.show_workers(&workers.snapshot().workers, started.elapsed());
            }
            let (items, errors) = shared.counts();
            display.refresh(items, errors, started.elapsed(), is_ending());
        };
        let (items, errors) = shared.counts();
        display.end(items, errors, started.elapsed(), ending);
    }));
    if let Err(payload) = shown {
        // A style of the caller's panicked while it drew, and the panic hook has shown it. A bar
        // that is dropped draws once more: leaked, it does not panic a second time.
        display.release();
        mem::forget((display, payload));
    }
}

impl Shared {
    /// Waits for the end of the run, at most for `interval`.
    fn wait(&self, interval: Duration) -> Option<Ended> {
        *wait_timeout_while(&self.ended, lock(&self.ending), interval, |ending| ending.is_none())
    }

    fn counts(&self) -> (u64, u64) {
        (self.items.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed))
    }
}
