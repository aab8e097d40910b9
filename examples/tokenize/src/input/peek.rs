//! A buffered reader that can look ahead.

use std::io::{self, BufRead, ErrorKind, Read};

use super::format;

const BUFFER: usize = 128 * 1024;

/// Reads through a buffer whose next bytes can be looked at before they are consumed, however few
/// of them a read gives.
pub(super) struct Peek<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// What is buffered and not consumed.
    start: usize,
    end: usize,
}

impl<R: Read> Peek<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; BUFFER].into(), start: 0, end: 0 }
    }

    /// The next `count` bytes, or fewer at the end of the input.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.ahead().len() < count && self.more()? {}
        let ahead = self.ahead();
        Ok(&ahead[..count.min(ahead.len())])
    }

    /// The beginning of the input, enough of it to tell its format.
    ///
    /// A pipe is waited for no longer than its first line, and no format is decided by half of
    /// its mark.
    pub(super) fn head(&mut self) -> io::Result<&[u8]> {
        while !is_enough(self.ahead()) && self.more()? {}
        let ahead = self.ahead();
        Ok(&ahead[..ahead.len().min(format::HEAD)])
    }

    /// Forgets what is buffered.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads once, behind what is buffered; false at the end of the input.
    fn more(&mut self) -> io::Result<bool> {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start.., 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.inner.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => {
                    let bytes = result?;
                    self.end += bytes;
                    return Ok(bytes > 0);
                }
            }
        }
    }
}

fn is_enough(ahead: &[u8]) -> bool {
    ahead.len() >= format::HEAD || (ahead.contains(&b'\n') && !format::may_begin_a_mark(ahead))
}

impl<R: Read> BufRead for Peek<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.clear();
            self.more()?;
        }
        Ok(self.ahead())
    }

    fn consume(&mut self, bytes: usize) {
        self.start = self.end.min(self.start + bytes);
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let bytes = ahead.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&ahead[..bytes]);
        self.consume(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Gives a byte a read, as a slow pipe may.
    pub(in super::super) struct Drip<'a>(pub(in super::super) &'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn what_is_peeked_is_read_afterwards() {
        let mut input = Peek::new(Drip(b"abcdef"));
        assert_eq!(input.peek(3).unwrap(), b"abc");
        assert_eq!(input.peek(2).unwrap(), b"ab");
        input.consume(2);
        assert_eq!(input.peek(3).unwrap(), b"cde");
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"cdef");
        assert_eq!(input.peek(3).unwrap(), b"");
    }

    #[test]
    fn a_full_buffer_makes_room_for_what_is_peeked() {
        let text: Vec<u8> = (0..BUFFER + 10).map(|n| n as u8).collect();
        let mut input = Peek::new(&*text);
        input.fill_buf().unwrap();
        input.consume(BUFFER - 1);
        assert_eq!(input.peek(11).unwrap(), &text[BUFFER - 1..]);
    }

    #[test]
    fn the_head_is_no_more_than_a_line_needs() {
        // A second line may be long in coming.
        let mut input = Peek::new(Drip(b"one\ntwo\n"));
        assert_eq!(input.head().unwrap(), b"one\n");
        // The mark of PNG has a newline inside.
        let mut input = Peek::new(Drip(b"\x89PNG\r\n\x1a\nrest"));
        assert_eq!(input.head().unwrap(), b"\x89PNG\r\n\x1a\n");
    }
}
