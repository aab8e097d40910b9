//! What arrives over a socket: whole frames, and the beginning of the next.

use std::io;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};

use super::frame::{self, Kind};

/// The most bytes of a read, where no frame is larger.
const READ: usize = 64 * 1024;
/// For how long it is looked again and again for what may arrive soon: about what it takes to fall asleep and
/// be woken.
const SOON: Duration = Duration::from_micros(50);
/// So many times at first, before others get the core in between.
const AT_ONCE: u32 = 24;
/// After looking in vain so many reads more are made without it, at the most.
const MOST_WITHOUT: u32 = 63;

/// Frames as they arrive. Memory grows with what has arrived, not with what a length claims.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
    /// So many reads are made without looking, after the last time that was in vain.
    without: u32,
    /// How many of these are left.
    left: u32,
}

impl Incoming {
    /// The next frame, if all of it is there: its kind, and where its body is.
    ///
    /// # Errors
    ///
    /// `InvalidData` for what is no frame or one whose body has more than `max` bytes.
    pub(super) fn take(&mut self, max: usize) -> io::Result<Option<(Kind, Range<usize>)>> {
        let Some((kind, length)) = frame::head(&self.bytes[self.start..], max)? else {
            return Ok(None);
        };
        let from = self.start + frame::HEAD;
        if self.bytes.len() - from < length {
            return Ok(None);
        }
        self.start = from + length;
        Ok(Some((kind, from..self.start)))
    }

    /// A body that was taken, until more is read.
    pub(super) fn body(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Waits for the next frame. `None` is the end of the stream, between two frames.
    ///
    /// # Errors
    ///
    /// `InvalidData` for what is no frame or one of more than `max` bytes; `UnexpectedEof` where the
    /// stream ends inside of one.
    pub(super) fn next(
        &mut self,
        stream: &UnixStream,
        max: usize,
    ) -> io::Result<Option<(Kind, Range<usize>)>> {
        loop {
            if let Some(frame) = self.take(max)? {
                return Ok(Some(frame));
            }
            match self.fill(stream) {
                Err(error)
                    if error.kind() == io::ErrorKind::UnexpectedEof
                        && self.start == self.bytes.len() =>
                {
                    return Ok(None);
                }
                outcome => outcome?,
            }
        }
    }

    /// Waits for some bytes.
    ///
    /// # Errors
    ///
    /// That of the read; `UnexpectedEof` at the end of the stream.
    pub(super) fn fill(&mut self, stream: &UnixStream) -> io::Result<()> {
        if self.left > 0 {
            self.left -= 1;
            return self.read(|bytes| Ok(rustix::io::read(stream, spare_capacity(bytes))?));
        }
        let start = Instant::now();
        let mut looks = 0;
        loop {
            let looked =
                self.read(|bytes| Ok(recv(stream, spare_capacity(bytes), RecvFlags::DONTWAIT)?.0));
            if !is_not_there(&looked) {
                if looks > 0 {
                    self.without = 0;
                }
                return looked;
            }
            if start.elapsed() >= SOON {
                break;
            }
            looks += 1;
            if looks > AT_ONCE {
                // Who has something to do comes first.
                thread::yield_now();
            }
        }
        self.without = (2 * self.without + 1).min(MOST_WITHOUT);
        self.left = self.without;
        self.read(|bytes| Ok(rustix::io::read(stream, spare_capacity(bytes))?))
    }

    /// Gives back the memory of what was taken, if that is much and nothing has arrived after it.
    pub(super) fn release(&mut self) {
        if self.start == self.bytes.len() {
            frame::clear(&mut self.bytes);
            self.start = 0;
        }
    }

    /// Reads some bytes, by what appends them where there is room, and says how many.
    pub(super) fn read(
        &mut self,
        read: impl FnOnce(&mut Vec<u8>) -> io::Result<usize>,
    ) -> io::Result<()> {
        self.release();
        self.bytes.drain(..self.start);
        self.start = 0;
        let arrived = self.bytes.len();
        if self.bytes.capacity() - arrived < READ {
            self.bytes.reserve(READ.max(arrived));
        }
        match read(&mut self.bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_not_there(read: &io::Result<()>) -> bool {
    read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    /// The frames of some bytes, which arrive so many at a time, and how it ended: `None` where that was
    /// between two frames.
    pub(in crate::backend::processes) fn frames(
        mut bytes: &[u8],
        at_a_time: usize,
        max: usize,
        mut each: impl FnMut(Kind, &[u8]),
    ) -> (Option<io::ErrorKind>, Incoming) {
        let mut incoming = Incoming::default();
        loop {
            match incoming.take(max) {
                Ok(Some((kind, body))) => each(kind, incoming.body(body)),
                Err(error) => return (Some(error.kind()), incoming),
                Ok(None) if bytes.is_empty() => {
                    let rest = incoming.bytes.len() - incoming.start;
                    return ((rest > 0).then_some(io::ErrorKind::UnexpectedEof), incoming);
                }
                Ok(None) => incoming
                    .read(|into| {
                        let (now, later) = bytes.split_at(at_a_time.min(bytes.len()));
                        into.extend_from_slice(now);
                        bytes = later;
                        Ok(now.len())
                    })
                    .unwrap(),
            }
        }
    }

    impl Incoming {
        pub(in crate::backend::processes) fn capacity(&self) -> usize {
            self.bytes.capacity()
        }
    }

    fn frame(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, kind, [body, &[]]).unwrap();
        bytes
    }

    #[test]
    fn what_was_written_is_read_however_it_arrives() {
        let long = vec![7; 3 * READ];
        let sent = [(Kind::Work, &b"one"[..]), (Kind::Results, &*long), (Kind::Ready, b"")];
        let bytes = sent.map(|(kind, body)| frame(kind, body)).concat();
        for at_a_time in [1, 2, 5, 64, 1000, usize::MAX] {
            let mut read = Vec::new();
            let (end, _) = frames(&bytes, at_a_time, long.len(), |kind, body| {
                read.push((kind, body.to_vec()))
            });
            assert_eq!(end, None);
            assert_eq!(read, sent.map(|(kind, body)| (kind, body.to_vec())));
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let end = |bytes: &[u8]| frames(bytes, 3, 8, |_, _| {}).0;
        assert_eq!(end(&frame(Kind::Work, b"nine bytes")), Some(io::ErrorKind::InvalidData));
        assert_eq!(end(&[0, 0, 0, 0, 4]), Some(io::ErrorKind::InvalidData));
        assert_eq!(end(&[2, 0, 0, 0, 99, 0]), Some(io::ErrorKind::InvalidData));
        let whole = frame(Kind::Work, b"eight by");
        for length in 1..whole.len() {
            assert_eq!(end(&whole[..length]), Some(io::ErrorKind::UnexpectedEof), "{length}");
        }
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let lie = [0xff, 0xff, 0xff, 0x0f, Kind::Work as u8, 1, 2, 3];
        let (end, incoming) = frames(&lie, 8, frame::MAX, |_, _| {});
        assert_eq!(end, Some(io::ErrorKind::UnexpectedEof));
        assert!(incoming.capacity() < 1 << 20);
    }

    #[test]
    fn the_memory_of_a_large_frame_is_given_back() {
        let bytes = [frame(Kind::Work, &vec![7; 8 << 20]), frame(Kind::Work, b"small")].concat();
        let mut capacities = Vec::new();
        let mut incoming = Incoming::default();
        let mut rest = &bytes[..];
        while let Ok(()) = incoming.read(|into| {
            let (now, later) = rest.split_at(rest.len().min(READ));
            into.extend_from_slice(now);
            rest = later;
            Ok(now.len())
        }) {
            while incoming.take(usize::MAX).unwrap().is_some() {
                capacities.push(incoming.capacity());
            }
        }
        assert!(capacities[0] >= 8 << 20 && capacities[0] <= 17 << 20, "{capacities:?}");
        incoming.release();
        assert!(incoming.capacity() <= 1 << 20);
    }

    #[test]
    fn a_reader_waits_for_the_next_frame_and_for_the_end() {
        let (mut there, here) = UnixStream::pair().unwrap();
        let writer = thread::spawn(move || {
            for (count, pause) in [0, 0, 1, 20, 0, 1].into_iter().enumerate() {
                thread::sleep(Duration::from_millis(pause));
                there.write_all(&frame(Kind::Work, &[count as u8])).unwrap();
            }
        });
        let mut incoming = Incoming::default();
        for count in 0..6 {
            let (kind, body) = incoming.next(&here, 1).unwrap().unwrap();
            assert_eq!((kind, incoming.body(body)), (Kind::Work, &[count][..]));
        }
        assert!(incoming.next(&here, 1).unwrap().is_none());
        writer.join().unwrap();
    }
}
