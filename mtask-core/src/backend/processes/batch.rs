//! Items of a claim, encoded.

use std::mem;
use std::ops::Range;

use super::body::append_item;
use super::codec::encode;
use super::crossing::Crossing;
use super::frame;
use crate::TaskError;
use crate::error::{Elsewhere, drop_caught};

/// Items on their way through a child: encoded, and not published yet.
///
/// They are published in their order, so that those which are through are the first ones. What is answered behind
/// an item that is to be tried again waits for it here.
pub(super) struct Batch<O> {
    body: Vec<u8>,
    items: Vec<Item<O>>,
    /// How many are published.
    published: usize,
    /// One of them has ended a process, and nobody knows which: each goes alone in its frame.
    pub(super) one_by_one: bool,
    /// The first of those, and how that process ended, until it is known which of them it was.
    pub(super) suspected: Option<(usize, String)>,
}

struct Item<O> {
    index: usize,
    /// How often it will have been sent, the next time included.
    attempt: usize,
    state: State<O>,
}

enum State<O> {
    /// To be sent, and where in the body it is.
    Waiting(Range<usize>),
    /// It failed, and is to be sent again.
    Failed(Range<usize>, Result<O, TaskError>),
    Answered(Result<O, TaskError>),
    /// Its result needs no worker.
    Passed(O),
    Published,
}

/// Items that are sent together.
pub(super) struct Frame {
    /// Which of the batch they are.
    items: Vec<usize>,
    /// How often they will have been sent, this time included.
    pub(super) attempt: usize,
    /// How many of them have been dealt with.
    done: usize,
}

impl Frame {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Leaves only so many of them.
    pub(super) fn shorten(&mut self, most: usize) {
        self.items.truncate(most);
    }

    /// How many of them no result has come for.
    pub(super) fn left(&self) -> usize {
        self.items.len() - self.done
    }

    /// Notes that the next item is dealt with.
    pub(super) fn pass(&mut self) {
        self.done += 1;
    }
}

impl<O> Batch<O> {
    pub(super) fn new() -> Self {
        Self {
            body: Vec::new(),
            items: Vec::new(),
            published: 0,
            one_by_one: false,
            suspected: None,
        }
    }

    pub(super) fn clear(&mut self) {
        frame::clear(&mut self.body);
        self.items.clear();
        self.published = 0;
        self.one_by_one = false;
        self.suspected = None;
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
        let state = match C::send(input) {
            Ok(input) => {
                let encoded = self.encode(index, &input, max);
                drop_caught(input);
                encoded.map_or_else(
                    |reason| {
                        let what = Elsewhere::NotSent(reason);
                        State::Answered(Err(TaskError::elsewhere(Some(index), worker, what)))
                    },
                    State::Waiting,
                )
            }
            Err(output) => State::Passed(output),
        };
        self.items.push(Item { index, attempt: 1, state });
    }

    fn encode(
        &mut self,
        index: usize,
        input: &impl serde::Serialize,
        max: usize,
    ) -> Result<Range<usize>, String> {
        let start = self.body.len();
        append_item(&mut self.body, index as u64, |body| {
            let head = body.len();
            encode(body, input).map_err(|error| format!("its input cannot be encoded: {error}"))?;
            let length = body.len() - head;
            if length > max {
                return Err(frame::over_limit("input", length, max));
            }
            Ok(())
        })?;
        Ok(start..self.body.len())
    }

    /// The index of the next item to be published.
    pub(super) fn index(&self) -> Option<usize> {
        Some(self.items.get(self.published)?.index)
    }

    /// The index of the first item.
    pub(super) fn start(&self) -> usize {
        self.items.first().map_or(0, |item| item.index)
    }

    /// Takes the result of the next item, where it has one; and whether that is of a worker.
    pub(super) fn publish(&mut self) -> Option<(Result<O, TaskError>, bool)> {
        let state = &mut self.items.get_mut(self.published)?.state;
        let published = match mem::replace(state, State::Published) {
            State::Answered(result) => (result, true),
            State::Passed(output) => (Ok(output), false),
            waiting => {
                *state = waiting;
                return None;
            }
        };
        self.published += 1;
        Some(published)
    }

    /// The next items that are to be sent for as many times, at most `most`; empty where there are none.
    pub(super) fn next(&self, most: usize) -> Frame {
        let most = if self.one_by_one { 1 } else { most };
        let waiting = (self.published..).zip(&self.items[self.published..]);
        let mut waiting = waiting.filter(|(_, item)| matches!(item.state, State::Waiting(_)));
        let mut frame = Frame { items: Vec::new(), attempt: 1, done: 0 };
        if let Some((at, first)) = waiting.next() {
            frame.attempt = first.attempt;
            let alike = waiting.take_while(|(_, item)| item.attempt == frame.attempt);
            frame.items.push(at);
            frame.items.extend(alike.map(|(at, _)| at).take(most - 1));
        }
        frame
    }

    /// The bytes of a frame's items, which are copied where others lie between them.
    pub(super) fn bytes<'a>(&'a self, frame: &Frame, copied: &'a mut Vec<u8>) -> &'a [u8] {
        let range = |&at: &usize| match &self.items[at].state {
            State::Waiting(range) => range.clone(),
            _ => 0..0,
        };
        let mut ranges = frame.items.iter().map(range);
        let Some(mut whole) = ranges.next() else { return &[] };
        if ranges.clone().all(|range| mem::replace(&mut whole.end, range.end) == range.start) {
            return &self.body[whole];
        }
        copied.clear();
        frame.items.iter().for_each(|at| copied.extend_from_slice(&self.body[range(at)]));
        copied
    }

    /// The index of a frame's next item.
    pub(super) fn index_in(&self, frame: &Frame) -> Option<usize> {
        Some(self.items[*frame.items.get(frame.done)?].index)
    }

    /// The index behind a frame's last item.
    pub(super) fn end_of(&self, frame: &Frame) -> usize {
        frame.items.last().map_or(0, |&at| self.items[at].index + 1)
    }

    /// Nothing has to be sent but what is in a frame.
    pub(super) fn is_all_in(&self, frame: &Frame) -> bool {
        let last = frame.items.last().map_or(self.published, |&at| at + 1);
        !self.items[last..].iter().any(|item| matches!(item.state, State::Waiting(_)))
    }

    /// Answers a frame's next item.
    pub(super) fn answer(&mut self, frame: &mut Frame, result: Result<O, TaskError>) {
        self.items[frame.items[frame.done]].state = State::Answered(result);
        frame.pass();
    }

    /// Notes how a frame's next item has failed, which is to be sent again.
    pub(super) fn fail(&mut self, frame: &mut Frame, result: Result<O, TaskError>) {
        let state = &mut self.items[frame.items[frame.done]].state;
        if let State::Waiting(range) = state {
            *state = State::Failed(range.clone(), result);
        }
        frame.pass();
    }

    /// How often that one of those has been begun which are to be sent again and have failed the most.
    pub(super) fn most_failures(&self) -> usize {
        let failed = self.items.iter().filter(|item| matches!(item.state, State::Failed(..)));
        failed.map(|item| item.attempt).max().unwrap_or_default()
    }

    /// Has those that failed be sent again, and gives the index of each and how often that makes.
    pub(super) fn retry(&mut self, mut each: impl FnMut(usize, usize)) {
        for item in &mut self.items[self.published..] {
            match mem::replace(&mut item.state, State::Published) {
                State::Failed(range, result) => {
                    drop_caught(result);
                    item.state = State::Waiting(range);
                    item.attempt += 1;
                    each(item.index, item.attempt);
                }
                state => item.state = state,
            }
        }
    }

    /// Answers all that is left: what has failed as it has, and what is to be sent by `unsent`, which is given its
    /// index and how often it has been begun.
    pub(super) fn give_up(&mut self, unsent: impl Fn(usize, usize) -> TaskError) {
        for item in &mut self.items[self.published..] {
            item.state = match mem::replace(&mut item.state, State::Published) {
                State::Failed(_, result) => State::Answered(result),
                State::Waiting(_) => State::Answered(Err(unsent(item.index, item.attempt - 1))),
                state => state,
            };
        }
    }
}
