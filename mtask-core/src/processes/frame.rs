//! What parent and child say to each other: frames of a length, a kind and a body.

use std::io::{self, BufRead, Read, Write};

/// The version of all this; both sides have to agree.
pub(super) const VERSION: u32 = 1;
/// The most bytes of an item, unless the user sets another limit.
pub(super) const MAX: usize = 256 << 20;

/// So many bytes of items are sent at once, and a larger item alone.
pub(super) const BATCH: usize = 256 * 1024;

/// The most bytes of a frame's body, where an item has `max` at the most: what is not enough to be
/// sent, and one item more, with what stands before it.
pub(super) fn most(max: usize) -> usize {
    max.saturating_add(BATCH + HEAD)
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
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Hello, Self::Ready, Self::NotBuilt, Self::Work, Self::Results]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

/// Writes a frame.
pub(super) fn write(mut out: impl Write, kind: Kind, body: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(body.len() + 1).map_err(|_| io::Error::other("a frame over 4 GiB"))?;
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = kind as u8;
    let pieces = &mut [io::IoSlice::new(&head), io::IoSlice::new(body)];
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

/// Reads a frame into `body`, whose memory grows with what arrives. `None` is the end of the stream,
/// between two frames.
///
/// # Errors
///
/// `InvalidData` for what is no frame or one of more than `max` bytes; `UnexpectedEof` where the
/// stream ends inside of one.
pub(super) fn read(
    input: &mut impl BufRead,
    max: usize,
    body: &mut Vec<u8>,
) -> io::Result<Option<Kind>> {
    if input.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut first = [0; HEAD];
    input.read_exact(&mut first)?;
    let Some((kind, length)) = head(&first, max)? else { unreachable!("a head is all there") };
    body.clear();
    if input.take(length as u64).read_to_end(body)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(kind))
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
    // A frame has a limit below this, and is looked at before it is sent.
    let length = u32::try_from(body.len() - start - LENGTH).unwrap_or(u32::MAX);
    body[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok(())
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

    fn frame(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, kind, body).unwrap();
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let mut bytes = frame(Kind::Work, b"one");
        bytes.extend(frame(Kind::Ready, b""));
        let (mut input, mut body) = (&*bytes, Vec::new());
        assert_eq!(read(&mut input, 3, &mut body).unwrap(), Some(Kind::Work));
        assert_eq!(body, b"one");
        assert_eq!(read(&mut input, 3, &mut body).unwrap(), Some(Kind::Ready));
        assert_eq!(read(&mut input, 3, &mut body).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut body = Vec::new();
        let mut error = |bytes: &[u8]| read(&mut &*bytes, 8, &mut body).unwrap_err().kind();
        assert_eq!(error(&frame(Kind::Work, b"nine bytes")), io::ErrorKind::InvalidData);
        assert_eq!(error(&[0, 0, 0, 0, 4]), io::ErrorKind::InvalidData);
        assert_eq!(error(&[2, 0, 0, 0, 99, 0]), io::ErrorKind::InvalidData);
        let whole = frame(Kind::Work, b"eight by");
        for end in 1..whole.len() {
            assert_eq!(error(&whole[..end]), io::ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let mut body = Vec::new();
        let lie = [0xff, 0xff, 0xff, 0x0f, Kind::Work as u8, 1, 2, 3];
        assert!(read(&mut &lie[..], MAX, &mut body).is_err());
        assert!(body.capacity() < 1 << 20);
    }

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
