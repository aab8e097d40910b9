//! Results on their way to the parent.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::super::body::{self, Status};
use super::super::frame::{self, Kind};
use crate::sync::{AtomicU64, Condvar, Mutex, lock, wait, wait_timeout};

/// For how long results are kept back while items are cheap, and how often it is looked whether one
/// lies behind an item that is not.
pub(super) const FLUSH: Duration = Duration::from_millis(1);
/// After so many looks at which nothing was kept back the one who looks goes to sleep.
const LOOKS: usize = 100;
/// So many bytes of results are sent at once.
pub(in crate::backend::processes) const ENOUGH: usize = 64 * 1024;

/// Results on their way to the parent.
#[derive(Debug)]
pub(super) struct Results {
    /// Where frames come from and go.
    pub(super) stream: UnixStream,
    pub(super) kept: Mutex<Kept>,
    /// Where the one sleeps who looks after what is kept back.
    pub(super) wanted: Condvar,
    /// The number of the first frame that the parent still wants; of those before, the rest is not run.
    pub(super) wanted_from: AtomicU64,
}

/// Results that are kept back, to be sent with others of their frame.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The number of the frame of work, and the results.
    body: Vec<u8>,
    /// How many results there have been.
    count: u64,
    /// Nobody looks after them.
    is_unwatched: bool,
}

/// Of which item a result is.
pub(super) struct Place {
    pub(super) frame: u64,
    pub(super) index: u64,
    /// It is the last of its frame.
    pub(super) is_last: bool,
}

impl Results {
    /// Sends what there is.
    pub(super) fn flush(&self, kept: &mut Kept) -> io::Result<()> {
        if !kept.body.is_empty() {
            frame::write(&self.stream, Kind::Results, [&kept.body, &[]])?;
            kept.body.clear();
        }
        Ok(())
    }

    /// Adds a result; sends what there is if `now`, and in any case if it is the last of its frame.
    pub(super) fn add(
        &self,
        place: Place,
        status: Status,
        result: &[u8],
        now: bool,
    ) -> io::Result<bool> {
        let mut kept = lock(&self.kept);
        kept.count += 1;
        if kept.body.is_empty() {
            kept.body.extend_from_slice(&place.frame.to_le_bytes());
        }
        body::append_result_head(&mut kept.body, place.index, status, result.len());
        if now || place.is_last || kept.body.len() + result.len() >= ENOUGH {
            let kind = if place.is_last { Kind::Last } else { Kind::Results };
            frame::write(&self.stream, kind, [&kept.body, result])?;
            frame::clear(&mut kept.body);
            return Ok(true);
        }
        kept.body.extend_from_slice(result);
        if kept.is_unwatched {
            self.wanted.notify_one();
        }
        Ok(false)
    }

    /// Sends results that wait behind a slow item.
    pub(super) fn look_after(&self) {
        let mut kept = lock(&self.kept);
        let (mut seen, mut idle) = (0, 0);
        loop {
            kept = wait_timeout(&self.wanted, kept, Some(FLUSH));
            if kept.body.is_empty() {
                idle += 1;
                if idle == LOOKS {
                    kept.is_unwatched = true;
                    while kept.body.is_empty() {
                        kept = wait(&self.wanted, kept);
                    }
                    kept.is_unwatched = false;
                    idle = 0;
                }
                continue;
            }
            idle = 0;
            if kept.count == seen {
                // What does not arrive is the parent's end, which is seen at the lifeline.
                let _ = self.flush(&mut kept);
            }
            seen = kept.count;
        }
    }
}
