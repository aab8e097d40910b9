//! A loop that takes items from the bridge to a child and back.

use std::time::Instant;

use serde::{Serialize, de::DeserializeOwned};

use super::batch::Batch;
use super::host::Host;
use crate::bridge::{Bridge, Pull};
use crate::error::drop_caught;
use crate::sync::Arc;
use crate::threads::pace::Pace;

/// How many loops there are for each child, so that it has two frames to work at.
pub(super) const LANES: usize = 2;

/// Claims, sends, receives and publishes until the bridge has nothing more. Does not unwind.
pub(super) fn work<T, O>(
    bridge: &Bridge<T, O>,
    host: Arc<Host>,
    lane: usize,
    mut pull: impl Pull<T>,
    build_now: bool,
) where
    T: Serialize,
    O: DeserializeOwned,
{
    let is_first = lane % LANES == 0;
    let number = host.number;
    if build_now {
        let outcome = if is_first { host.build() } else { Ok(()) };
        bridge.report_build(lane, outcome);
    }
    let mut pace = Pace::new();
    let mut batch = Batch::new();
    let mut last = None;
    while is_first || host.admits_second() {
        let stride = pace.stride(host.is_up());
        let Some(mut chunk) = bridge.claim(lane, last, stride, &mut pull) else { break };
        let was_retired = host.is_retired();
        batch.clear();
        bridge.take_all(&mut chunk, |index, input| {
            batch.push(index, &input, number, host.max_frame());
            drop_caught(input);
        });
        let worker = (!was_retired).then_some(number);
        let cancelled = || bridge.is_cancelled();
        let ran = host.run(&mut batch, &cancelled, |result| bridge.publish(&mut chunk, worker, result));
        if let Some((took, count)) = ran {
            pace.measured(took, count);
            host.note_pace(took, count);
        }
        last = Some(chunk);
        if !was_retired && host.is_retired() && !bridge.retire(lane) {
            break;
        }
    }
    host.leave();
    drop_caught(pull);
}
