//! Lines of a bounded length.

use std::io::{self, BufRead, ErrorKind};

use super::Start;

/// A line without its end, `\n` or `\r\n`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// A line over the limit was read past; its length in bytes.
    TooLong(u64),
}

/// The lines of one file, counted.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    max: usize,
    at: Start,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Lines {
    pub(super) fn new(input: Box<dyn BufRead + Send>, max: usize, at: Start) -> Self {
        Self { input, max, at }
    }

    /// The line that `next` gave or failed in, and where the one behind it starts.
    pub(super) fn at(&self) -> Start {
        self.at
    }

    /// The next line, the last one with or without its end.
    ///
    /// # Errors
    ///
    /// What the input fails with; the part of the line that came before it is lost, since half a
    /// line is no document.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let first = self.at.offset == 0;
        self.at.line += 1;
        let mut kept = Vec::new();
        let mut bytes = 0;
        // Room for the line's end and for a mark at the file's start: they are no part of its text.
        let room = self.max.saturating_add(2 + if first { BOM.len() } else { 0 });
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = memchr::memchr(b'\n', chunk).map(|at| at + 1);
            let taken = end.unwrap_or(chunk.len());
            let fits = taken.min(room - kept.len());
            kept.extend_from_slice(&chunk[..fits]);
            bytes += taken as u64;
            self.input.consume(taken);
            if end.is_some() || taken == 0 {
                break;
            }
        }
        self.at.offset += bytes;
        if bytes == 0 {
            return Ok(None);
        }
        if bytes > kept.len() as u64 {
            return Ok(Some(Line::TooLong(bytes)));
        }
        if kept.last() == Some(&b'\n') {
            kept.pop();
            if kept.last() == Some(&b'\r') {
                kept.pop();
            }
        }
        if first && kept.starts_with(BOM) {
            kept.drain(..BOM.len());
        }
        if kept.len() > self.max {
            Ok(Some(Line::TooLong(bytes)))
        } else {
            Ok(Some(Line::Text(kept)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Read};

    use super::*;

    /// The lines as they come, read through buffers of every size so that each end of a chunk
    /// falls at each byte.
    fn lines(text: &'static [u8], max: usize) -> Vec<(u64, u64, Line)> {
        let all = |buffer: usize| {
            let input = BufReader::with_capacity(buffer, Cursor::new(text));
            let mut lines = Lines::new(Box::new(input), max, Start::default());
            let mut out = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                out.push((lines.at().line, lines.at().offset, line));
            }
            out
        };
        let expected = all(1);
        for buffer in 2..text.len() + 2 {
            assert_eq!(all(buffer), expected, "a buffer of {buffer}");
        }
        expected
    }

    fn text(text: &str) -> Line {
        Line::Text(text.into())
    }

    #[test]
    fn lines_end_in_lf_or_crlf_or_the_end_of_the_file() {
        assert_eq!(
            lines(b"ab\n\r\nc\rd\r\ne", 100),
            [(1, 3, text("ab")), (2, 5, text("")), (3, 10, text("c\rd")), (4, 11, text("e")),]
        );
        assert_eq!(lines(b"", 100), []);
        assert_eq!(lines(b"a\n", 100), [(1, 2, text("a"))]);
    }

    #[test]
    fn a_line_over_the_limit_costs_itself_alone() {
        assert_eq!(
            lines(b"abc\nabcd\nabcdefghij\r\nabc\r\nabcd", 3),
            [
                (1, 4, text("abc")),
                (2, 9, Line::TooLong(5)),
                (3, 21, Line::TooLong(12)),
                (4, 26, text("abc")),
                (5, 30, Line::TooLong(4)),
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(
            lines(b"\xef\xbb\xbfabc\r\n\xef\xbb\xbf\n", 3),
            [(1, 8, text("abc")), (2, 12, text("\u{feff}"))]
        );
    }

    #[test]
    fn a_failing_input_loses_the_line_it_fails_in() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let input = BufReader::with_capacity(4, Cursor::new(b"ab\ncd").chain(Fails));
        let mut lines = Lines::new(Box::new(input), 100, Start::default());
        assert_eq!(lines.next().unwrap(), Some(text("ab")));
        assert_eq!(lines.next().unwrap_err().to_string(), "torn");
        assert_eq!(lines.at().line, 2);
    }
}
