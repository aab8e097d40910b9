//! The items of a claim, encoded.

use std::ops::Range;

use serde::Serialize;

use super::frame;
use crate::TaskError;

/// The items of a claim on their way through a child: encoded, and not answered yet.
///
/// Results come in the order of the items, so that what is answered is a front part of them.
pub(super) struct Batch {
    body: Vec<u8>,
    items: Vec<Item>,
    /// How many are answered.
    answered: usize,
}

struct Item {
    index: usize,
    /// Where in the body it is; what keeps it from being sent else.
    bytes: Result<Range<usize>, Option<TaskError>>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { body: Vec::new(), items: Vec::new(), answered: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.body.clear();
        self.items.clear();
        self.answered = 0;
    }

    /// Adds an item. One that cannot be encoded, or takes more than `max` bytes, is an error to be
    /// told in its turn.
    pub(super) fn push(&mut self, index: usize, input: &impl Serialize, worker: usize, max: usize) {
        let start = self.body.len();
        let filled = frame::append(&mut self.body, |body| {
            let bytes = postcard::to_extend(input, std::mem::take(body))
                .map_err(|error| format!("its input cannot be encoded: {error}"))?;
            let length = bytes.len() - start - 4;
            *body = bytes;
            if length > max {
                return Err(format!("its input takes {length} bytes, and the limit is {max}"));
            }
            Ok(())
        });
        let bytes = filled
            .map(|()| start..self.body.len())
            .map_err(|reason| Some(TaskError::not_sent(index, worker, reason)));
        self.items.push(Item { index, bytes });
    }

    /// The index of the next item to be answered.
    pub(super) fn index(&self) -> Option<usize> {
        Some(self.items.get(self.answered)?.index)
    }

    /// Takes the error of an item that is next and cannot be sent.
    pub(super) fn take_error(&mut self) -> Option<TaskError> {
        let error = self.items.get_mut(self.answered)?.bytes.as_mut().err()?.take();
        self.answered += 1;
        error
    }

    /// Notes that the next item is answered.
    pub(super) fn answer(&mut self) {
        self.answered += 1;
    }

    /// The next items that can be sent, at most `most`: how many, and their bytes.
    pub(super) fn next(&self, most: usize) -> (usize, &[u8]) {
        let ranges = self.items[self.answered..].iter().map_while(|item| item.bytes.as_ref().ok());
        let mut count = 0;
        let mut bytes = 0..0;
        for range in ranges.take(most) {
            if count == 0 {
                bytes = range.clone();
            }
            bytes.end = range.end;
            count += 1;
        }
        (count, &self.body[bytes])
    }
}
