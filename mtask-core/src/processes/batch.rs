//! Items of a claim, encoded.

use std::ops::Range;

use super::codec::encode;
use super::crossing::Crossing;
use super::frame;
use crate::TaskError;
use crate::error::{Elsewhere, drop_caught};

/// Items on their way through a child: encoded, and not answered yet.
///
/// Results come in the order of the items, so that those which are answered are the first ones.
pub(super) struct Batch<O> {
    body: Vec<u8>,
    items: Vec<Item<O>>,
    /// How many are answered.
    answered: usize,
}

struct Item<O> {
    index: usize,
    /// Where in the body it is; or its result, where it is not to be sent.
    bytes: Result<Range<usize>, Option<Result<O, TaskError>>>,
}

impl<O> Batch<O> {
    pub(super) fn new() -> Self {
        Self { body: Vec::new(), items: Vec::new(), answered: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.body.clear();
        self.items.clear();
        self.answered = 0;
    }

    pub(super) fn is_full(&self) -> bool {
        self.body.len() >= frame::BATCH
    }

    /// Adds an item, and drops it. One that cannot be encoded, or takes more than `max` bytes, is an
    /// error to be told in its turn, and so is the result of one that needs no worker. Does not unwind.
    pub(super) fn push<T, C: Crossing<T, O>>(
        &mut self,
        index: usize,
        input: T,
        worker: usize,
        max: usize,
    ) {
        let input = match C::send(input) {
            Ok(input) => input,
            Err(output) => {
                self.items.push(Item { index, bytes: Err(Some(Ok(output))) });
                return;
            }
        };
        let start = self.body.len();
        let filled = frame::append(&mut self.body, |body| {
            // Which item it is, for a worker that asks.
            encode(body, &(index as u64))?;
            let head = body.len();
            encode(body, &input)
                .map_err(|error| format!("its input cannot be encoded: {error}"))?;
            let length = body.len() - head;
            if length > max {
                return Err(format!("its input takes {length} bytes, and the limit is {max}"));
            }
            Ok(())
        });
        drop_caught(input);
        let bytes = filled.map(|()| start..self.body.len()).map_err(|reason| {
            Some(Err(TaskError::elsewhere(Some(index), worker, Elsewhere::NotSent(reason))))
        });
        self.items.push(Item { index, bytes });
    }

    /// The index of the next item to be answered.
    pub(super) fn index(&self) -> Option<usize> {
        Some(self.items.get(self.answered)?.index)
    }

    /// Takes the result of an item that is next and is not to be sent, which answers it.
    pub(super) fn take_answer(&mut self) -> Option<Result<O, TaskError>> {
        let answer = self.items.get_mut(self.answered)?.bytes.as_mut().err()?.take();
        self.answered += 1;
        answer
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
