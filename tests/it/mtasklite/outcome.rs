//! What a run gives, in plain data, and what the sequential `map` says it must be.

use std::fmt;
use std::panic::resume_unwind;

use mtask::backend::Launch;
use mtask::{ParStateful, TaskError, TaskErrorKind, TaskErrors, Worker};

/// What the workers of these tests make of the item at a position: an output that tells the
/// position, or an error that does.
pub(crate) type Answer = Result<usize, Refused>;

/// A worker's own error.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) usize);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker refuses {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    /// The worker returns an error.
    Refused,
    Panics,
}

impl Fate {
    /// What the worker does with the item at a position.
    pub(crate) fn befall(self, position: usize) -> Answer {
        match self {
            Self::Fine => Ok(position),
            Self::Refused => Err(Refused(position)),
            // A panic that the process's hook does not hear of: these tests make many.
            Self::Panics => resume_unwind(Box::new("a panic of a test")),
        }
    }

    /// How the item has to be seen.
    pub(crate) fn event(self, position: usize, flat: bool) -> Event {
        match self {
            Self::Fine => Event::Output(position),
            Self::Refused if flat => Event::error(TaskErrorKind::Failed, position),
            Self::Refused => Event::Refused(position),
            Self::Panics => Event::error(TaskErrorKind::Panicked, position),
        }
    }
}

/// What is done about errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// They come as items.
    Items,
    /// `.stop_on_error()`
    Stop,
    /// `.defer_errors()`
    Defer,
}

pub(crate) const POLICIES: [Policy; 3] = [Policy::Items, Policy::Stop, Policy::Defer];

/// One item of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Output(usize),
    /// The worker's own error, in the output.
    Refused(usize),
    Error {
        kind: TaskErrorKind,
        index: Option<usize>,
    },
    /// The errors of `.defer_errors()`.
    Errors(Vec<(TaskErrorKind, Option<usize>)>),
}

impl Event {
    pub(crate) fn error(kind: TaskErrorKind, index: usize) -> Self {
        Self::Error { kind, index: Some(index) }
    }

    fn of_answer(answer: Answer) -> Self {
        match answer {
            Ok(position) => Self::Output(position),
            Err(Refused(position)) => Self::Refused(position),
        }
    }

    fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    /// A place in a sorted list, a different one for each item of a run.
    fn rank(&self) -> (u8, Option<usize>) {
        match self {
            Self::Output(position) => (0, Some(*position)),
            Self::Refused(position) => (1, Some(*position)),
            Self::Error { index, .. } => (2, *index),
            Self::Errors(_) => (3, None),
        }
    }
}

/// All that was seen of a run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) events: Vec<Event>,
    /// The size hint before each `next()`, the last one included.
    pub(crate) hints: Vec<(usize, Option<usize>)>,
}

/// Reads a run to its end, under a policy, flattened or not. `yielded` is called after each item.
pub(crate) fn read<I, S, W, B>(
    results: ParStateful<I, S, W, B>,
    policy: Policy,
    flat: bool,
    yielded: impl FnMut(),
) -> Result<Seen, String>
where
    I: Iterator,
    W: Worker<Input = I::Item, Output = Answer>,
    B: Launch<I, S, W>,
{
    let look = |error: &TaskError| (error.kind(), error.index());
    let error = |error: TaskError| {
        let (kind, index) = look(&error);
        Event::Error { kind, index }
    };
    let errors = |errors: TaskErrors| Event::Errors(errors.iter().map(look).collect());
    let (events, hints) = match (policy, flat) {
        (Policy::Items, false) => {
            drain(results, yielded, |item| item.map_or_else(error, Event::of_answer))
        }
        (Policy::Items, true) => {
            drain(results.flatten_errors(), yielded, |item| item.map_or_else(error, Event::Output))
        }
        (Policy::Stop, false) => drain(results.stop_on_error(), yielded, |item| {
            item.map_or_else(error, Event::of_answer)
        }),
        (Policy::Stop, true) => drain(results.flatten_errors().stop_on_error(), yielded, |item| {
            item.map_or_else(error, Event::Output)
        }),
        (Policy::Defer, false) => drain(results.defer_errors(), yielded, |item| {
            item.map_or_else(errors, Event::of_answer)
        }),
        (Policy::Defer, true) => drain(results.flatten_errors().defer_errors(), yielded, |item| {
            item.map_or_else(errors, Event::Output)
        }),
    }?;
    Ok(Seen { events, hints })
}

type Drained = (Vec<Event>, Vec<(usize, Option<usize>)>);

fn drain<R: Iterator>(
    mut results: R,
    mut yielded: impl FnMut(),
    mut event: impl FnMut(R::Item) -> Event,
) -> Result<Drained, String> {
    let mut events = Vec::new();
    let mut hints = vec![results.size_hint()];
    while let Some(item) = results.next() {
        yielded();
        events.push(event(item));
        hints.push(results.size_hint());
    }
    if results.next().is_some() {
        return Err("there is an item after the end".to_owned());
    }
    Ok((events, hints))
}

/// Compares what was seen with what the sequential `map` makes of each item.
pub(crate) fn compare(
    each: &[Event],
    policy: Policy,
    ordered: bool,
    seen: &[Event],
) -> Result<(), String> {
    let expected = under(policy, each);
    if ordered {
        return if seen == expected { Ok(()) } else { Err(differs(&expected, seen)) };
    }
    if policy == Policy::Stop && each.iter().any(Event::is_error) {
        return stopped_anywhere(each, seen);
    }
    let (expected, seen) = (sorted(expected), sorted(seen.to_vec()));
    if seen == expected { Ok(()) } else { Err(differs(&expected, &seen)) }
}

/// What a policy makes of the events of a run in input order.
fn under(policy: Policy, each: &[Event]) -> Vec<Event> {
    match policy {
        Policy::Items => each.to_vec(),
        Policy::Stop => {
            let end = each.iter().position(Event::is_error).map_or(each.len(), |at| at + 1);
            each[..end].to_vec()
        }
        Policy::Defer => {
            let (errors, mut events): (Vec<_>, Vec<_>) =
                each.iter().cloned().partition(Event::is_error);
            if !errors.is_empty() {
                events.push(Event::Errors(errors.iter().map(kind_and_index).collect()));
            }
            events
        }
    }
}

/// Out of order a run may stop after any of its errors, and anything may have come before.
fn stopped_anywhere(each: &[Event], seen: &[Event]) -> Result<(), String> {
    let Some((last, before)) = seen.split_last() else {
        return Err("nothing was seen, not even the error".to_owned());
    };
    if !last.is_error() || before.iter().any(Event::is_error) {
        return Err(format!("one error has to be the last item: {seen:?}"));
    }
    let seen = sorted(seen.to_vec());
    let is_new = |at: usize| at == 0 || seen[at - 1] != seen[at];
    if let Some(at) = (0..seen.len()).find(|&at| !is_new(at) || !each.contains(&seen[at])) {
        return Err(format!("no such item, or twice: {:?}", seen[at]));
    }
    Ok(())
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(Event::rank);
    for event in &mut events {
        if let Event::Errors(errors) = event {
            errors.sort_by_key(|&(_, index)| index);
        }
    }
    events
}

fn kind_and_index(event: &Event) -> (TaskErrorKind, Option<usize>) {
    match event {
        Event::Error { kind, index } => (*kind, *index),
        other => unreachable!("{other:?} is no error"),
    }
}

fn differs(expected: &[Event], seen: &[Event]) -> String {
    format!("expected {expected:?}\n    seen {seen:?}")
}
