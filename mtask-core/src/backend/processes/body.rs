//! What stands in the bodies of frames of work and of results.

use super::frame;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    /// The output follows.
    Done = 0,
    /// A [`Panic`](super::child::Panic) follows.
    Panicked = 1,
    /// A [`NotBuilt`](super::child::NotBuilt) follows: the worker, which had panicked, could not be built
    /// again.
    NotBuilt = 2,
    /// A text follows: the input could not be decoded, or the output not be encoded.
    NotSent = 3,
    /// Nothing follows: the item was not begun.
    NotRun = 4,
}

impl Status {
    pub(super) const ALL: [Self; 5] =
        [Self::Done, Self::Panicked, Self::NotBuilt, Self::NotSent, Self::NotRun];

    pub(super) fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&status| status as u8 == byte)
    }
}

/// Takes off a body the number that it begins with: of work, how often its items have been sent, this time
/// included; of results, which frame they answer. Of an item and of a result it is the index. `None` where
/// that is not all there.
pub(super) fn split_number(body: &mut &[u8]) -> Option<u64> {
    let (&number, rest) = body.split_first_chunk()?;
    *body = rest;
    Some(u64::from_le_bytes(number))
}

/// An item of work.
pub(super) struct Item<'a> {
    pub(super) index: u64,
    pub(super) input: &'a [u8],
}

/// Appends an item, whose input is what `fill` appends.
///
/// # Errors
///
/// That of `fill`, and nothing is appended.
pub(super) fn append_item<E>(
    body: &mut Vec<u8>,
    index: u64,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = body.len();
    body.extend_from_slice(&index.to_le_bytes());
    frame::append(body, fill).inspect_err(|_| body.truncate(start))
}

/// Takes the next item off a frame of work; `None` where there is no whole one.
pub(super) fn split_item<'a>(items: &mut &'a [u8]) -> Option<Item<'a>> {
    Some(Item { index: split_number(items)?, input: frame::split(items)? })
}

/// What a child tells of an item.
pub(super) struct Told<'a> {
    pub(super) index: u64,
    pub(super) status: Status,
    pub(super) bytes: &'a [u8],
}

/// Appends what stands before the bytes of a result, of which there are so many.
pub(super) fn append_result_head(body: &mut Vec<u8>, index: u64, status: Status, length: usize) {
    body.extend_from_slice(&index.to_le_bytes());
    body.push(status as u8);
    body.extend_from_slice(&frame::length(length));
}

/// Takes the next result off a frame of them; `None` where there is no whole one.
pub(super) fn split_result<'a>(results: &mut &'a [u8]) -> Option<Told<'a>> {
    let index = split_number(results)?;
    let (&status, rest) = results.split_first()?;
    *results = rest;
    Some(Told { index, status: Status::of(status)?, bytes: frame::split(results)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_results_come_apart() {
        let mut work = Vec::new();
        for (index, input) in [(7, &b"one"[..]), (u64::MAX, b"")] {
            let fill = |body: &mut Vec<u8>| {
                body.extend_from_slice(input);
                Ok::<_, ()>(())
            };
            append_item(&mut work, index, fill).unwrap();
        }
        let whole = work.clone();
        assert_eq!(append_item(&mut work, 8, |_| Err("no")), Err("no"));
        assert_eq!(work, whole);
        let mut rest = &*work;
        let mut next = || split_item(&mut rest).map(|item| (item.index, item.input));
        assert_eq!(next(), Some((7, &b"one"[..])));
        assert_eq!(next(), Some((u64::MAX, &b""[..])));
        assert_eq!(next(), None);

        let mut results = Vec::new();
        append_result_head(&mut results, 9, Status::Panicked, 2);
        results.extend_from_slice(b"no");
        let told = split_result(&mut &*results).unwrap();
        assert_eq!((told.index, told.status, told.bytes), (9, Status::Panicked, &b"no"[..]));
        assert!(split_result(&mut &results[..results.len() - 1]).is_none());
        results[8] = 5;
        assert!(split_result(&mut &*results).is_none(), "no such status");
    }
}
