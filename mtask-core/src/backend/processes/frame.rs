//! What parent and child say to each other: frames of a length, a kind and a body.

use std::io::{self, Write};

/// The version of all this; both sides have to agree.
pub(super) const VERSION: u32 = 4;
/// The most bytes of an item, unless the user sets another limit.
pub(super) const MAX: usize = 256 << 20;

/// So many bytes of items are sent at once, and a larger item alone.
pub(super) const BATCH: usize = 256 * 1024;

/// The most bytes of a frame's body, where an item has `max` at the most: what is not enough to be
/// sent, and one item more, with what stands before it.
pub(super) fn most(max: usize) -> usize {
    max.saturating_add(BATCH + HEAD)
}

/// The most bytes of a hello, which comes before the limit is known.
pub(super) const HELLO: usize = 1 << 20;
/// The most bytes of a text that is told of an item or a worker, however low the limit.
pub(super) const TEXT: usize = 64 * 1024;
/// So many bytes of memory stay where frames are put; what a larger one takes is given back.
const KEPT: usize = 1 << 20;

/// Why something of a worker is not sent.
pub(super) fn over_limit(what: &str, bytes: usize, max: usize) -> String {
    format!("its {what} takes {bytes} bytes, and the limit is {max} (`Processes::max_frame`)")
}

/// Leaves nothing in a buffer, and gives its memory back if that is much.
pub(super) fn clear(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
}

/// Cuts a text that is too long to be told.
pub(super) fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let bytes = text.len();
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(&format!(".. (cut, of {bytes} bytes)"));
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Hello = 1,
    Ready = 2,
    NotBuilt = 3,
    Work = 4,
    Results = 5,
    /// What the worker leaves, or what kept it from that.
    Summary = 6,
    /// The last results of a frame of work.
    Last = 7,
    /// What the worker is built from, after the hello.
    Spec = 8,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let all = [
            Self::Hello,
            Self::Ready,
            Self::NotBuilt,
            Self::Work,
            Self::Results,
            Self::Summary,
            Self::Last,
            Self::Spec,
        ];
        all.into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// Writes a frame whose body is made of two pieces, so that neither is copied behind the other.
pub(super) fn write(mut out: impl Write, kind: Kind, body: [&[u8]; 2]) -> io::Result<()> {
    let [first, second] = body;
    let length = u32::try_from(first.len() + second.len() + 1)
        .map_err(|_| io::Error::other("a frame over 4 GiB"))?;
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = kind as u8;
    if first.len() + second.len() <= SMALL {
        let mut whole = [0; HEAD + SMALL];
        let mut end = 0;
        for piece in [&head[..], first, second] {
            whole[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        return out.write_all(&whole[..end]);
    }
    let pieces = &mut [&head[..], first, second].map(io::IoSlice::new);
    write_all_vectored(&mut out, pieces)
}

fn write_all_vectored(out: &mut impl Write, mut pieces: &mut [io::IoSlice<'_>]) -> io::Result<()> {
    io::IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match out.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => io::IoSlice::advance_slices(&mut pieces, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The most bytes of an item that a user can allow: lengths are 32 bits.
pub(super) const LARGEST: usize = (u32::MAX - (1 << 20)) as usize;
/// How many bytes stand before a body.
pub(super) const HEAD: usize = 5;
/// So many bytes of a body are sooner copied behind its head than written as a piece of their own.
const SMALL: usize = 256;
/// How many bytes stand before an item of a body.
pub(super) const LENGTH: usize = 4;

/// The kind of a frame and the length of its body; `None` where its head is not all there.
///
/// # Errors
///
/// `InvalidData` for what is no frame or one whose body has more than `max` bytes.
pub(super) fn head(bytes: &[u8], max: usize) -> io::Result<Option<(Kind, usize)>> {
    let Some(&[length @ .., kind]) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let length = u32::from_le_bytes(length) as usize;
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let kind = Kind::of(kind).ok_or_else(|| invalid(format!("{kind} is no kind of frame")))?;
    let length = length.checked_sub(1).ok_or_else(|| invalid("a frame of no length".to_owned()))?;
    if length > max {
        return Err(invalid(format!("a frame of {length} bytes, and the limit is {max}")));
    }
    Ok(Some((kind, length)))
}

/// Appends an item of a body: what `fill` appends, after its length.
///
/// # Errors
///
/// That of `fill`, and nothing is appended.
pub(super) fn append<E>(
    body: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = body.len();
    body.extend_from_slice(&[0; LENGTH]);
    if let Err(error) = fill(body) {
        body.truncate(start);
        return Err(error);
    }
    let length = length(body.len() - start - LENGTH);
    body[start..start + LENGTH].copy_from_slice(&length);
    Ok(())
}

/// What stands before an item of a body that has so many bytes.
pub(super) fn length(bytes: usize) -> [u8; LENGTH] {
    // A frame has a limit below this, and is looked at before it is sent.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Takes the next item off a body; `None` where there is no whole one.
pub(super) fn split<'a>(body: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = body.split_first_chunk::<LENGTH>()?;
    let (item, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *body = rest;
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_body_come_apart() {
        let mut body = Vec::new();
        for item in [&b"one"[..], b"", b"three"] {
            let fill = |body: &mut Vec<u8>| {
                body.extend_from_slice(item);
                Ok::<_, ()>(())
            };
            append(&mut body, fill).unwrap();
        }
        let whole = body.len();
        let failed = append(&mut body, |body| {
            body.push(1);
            Err("no")
        });
        assert_eq!((failed, body.len()), (Err("no"), whole));
        let mut rest = &*body;
        assert_eq!(split(&mut rest), Some(&b"one"[..]));
        assert_eq!(split(&mut rest), Some(&b""[..]));
        assert_eq!(split(&mut rest), Some(&b"three"[..]));
        assert_eq!(split(&mut rest), None);
        assert_eq!(split(&mut &[200, 0, 0, 0, 1][..]), None);
    }
}
