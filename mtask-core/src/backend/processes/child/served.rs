//! The worker of a child, and the items that it is sent.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use serde::{Serialize, de::DeserializeOwned};

use super::super::body::{self, Item, Status};
use super::super::codec;
use super::super::frame::{self, Kind};
use super::results::{FLUSH, Place, Results};
use super::told::Panic;
use super::{Session, build, drop_worker};
use crate::context::InRun;
use crate::error::drop_caught;
use crate::sync::{AtomicU64, Ordering};
use crate::{Context, Spec, Worker};

/// The worker of a child.
pub(super) struct Served<S, W> {
    pub(super) spec: S,
    /// `None` after a panic, until it is rebuilt.
    pub(super) worker: Option<W>,
    /// Which of the run's workers it is.
    pub(super) number: usize,
    /// It could not be rebuilt. Nothing is run any more: the parent starts another process.
    pub(super) is_given_up: bool,
    /// The number of the frame in progress, counted from 0.
    pub(super) frame: u64,
    /// How often its items have been begun, this time included.
    pub(super) attempt: usize,
    /// What is sent back of an item.
    pub(super) result: Vec<u8>,
    /// The most bytes of an output.
    pub(super) max: usize,
}

impl<S, W> Served<S, W>
where
    S: Spec<W>,
    W: Worker,
    W::Input: DeserializeOwned,
    W::Output: Serialize,
{
    /// Runs frames until there are no more.
    pub(super) fn all(&mut self, session: &mut Session) -> io::Result<()> {
        let Session { incoming, results, max, .. } = session;
        while let Some((kind, body)) = incoming.next(&results.stream, frame::most(*max))? {
            let mut items = incoming.body(body);
            let attempt = (kind == Kind::Work).then(|| body::split_number(&mut items)).flatten();
            let Some(attempt) = attempt else {
                let what = format!("a frame of kind {kind:?} is out of place");
                return Err(io::Error::other(what));
            };
            self.attempt = usize::try_from(attempt).unwrap_or(usize::MAX);
            self.run(items, results)?;
            self.frame += 1;
        }
        Ok(())
    }

    /// Runs the items of a frame.
    fn run(&mut self, mut items: &[u8], results: &Results) -> io::Result<()> {
        let mut flushed = Instant::now();
        while let Some(item) = body::split_item(&mut items) {
            let wanted_from = &results.wanted_from;
            let goes_on = !self.is_given_up && self.frame >= wanted_from.load(Ordering::Relaxed);
            frame::clear(&mut self.result);
            let place = Place { frame: self.frame, index: item.index, is_last: items.is_empty() };
            let status = if goes_on { self.run_one(&item, wanted_from) } else { Status::NotRun };
            let now = flushed.elapsed() >= FLUSH;
            if results.add(place, status, &self.result, now)? {
                flushed = Instant::now();
            }
        }
        frame::clear(&mut self.result);
        Ok(())
    }

    /// Runs an item and leaves what is to be told of it.
    fn run_one(&mut self, item: &Item<'_>, wanted_from: &AtomicU64) -> Status {
        let input: W::Input = match codec::decode(item.input) {
            Ok(input) => input,
            Err(error) => return self.not_sent(format!("its input cannot be decoded: {error}")),
        };
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => match build(&self.spec) {
                Ok(worker) => none.insert(worker),
                Err(reason) => {
                    self.is_given_up = true;
                    drop_caught(input);
                    return self.tell(Status::NotBuilt, &reason.shortened());
                }
            },
        };
        let index = usize::try_from(item.index).unwrap_or(usize::MAX);
        let run = Wanted { from: wanted_from, frame: self.frame };
        let context = Context::new(self.number, index, &run).at_attempt(self.attempt);
        let output = match catch_unwind(AssertUnwindSafe(|| worker.call_with(input, &context))) {
            Ok(output) => output,
            Err(payload) => {
                let panic = Panic::caught(payload);
                drop_worker(self.worker.take());
                return self.tell(Status::Panicked, &panic);
            }
        };
        let encoded = codec::encode(&mut self.result, &output);
        drop_caught(output);
        match encoded {
            Ok(()) if self.result.len() <= self.max => Status::Done,
            Ok(()) => self.not_sent(frame::over_limit("output", self.result.len(), self.max)),
            Err(error) => self.not_sent(format!("its output cannot be encoded: {error}")),
        }
    }

    fn not_sent(&mut self, mut reason: String) -> Status {
        frame::shorten(&mut reason, frame::TEXT);
        self.tell(Status::NotSent, &reason)
    }

    /// Leaves what is told beside a status.
    fn tell(&mut self, status: Status, what: &impl Serialize) -> Status {
        frame::clear(&mut self.result);
        // Texts can be encoded, all of them.
        let _ = codec::encode(&mut self.result, what);
        status
    }
}

/// The run, as a worker in a child knows it: the parent says below which frame it wants no more.
struct Wanted<'a> {
    from: &'a AtomicU64,
    frame: u64,
}

impl InRun for Wanted<'_> {
    fn is_cancelled(&self) -> bool {
        self.frame < self.from.load(Ordering::Relaxed)
    }
}
