//! Gzip of any number of members, and what may stand behind them.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use super::peek::Peek;

/// Reads all members, as `gzip -d` does: zero bytes behind the last are padding, other bytes are
/// ignored too and counted.
pub(super) struct Gzip<R> {
    state: State<R>,
    ignored: Arc<AtomicU64>,
}

enum State<R> {
    Member(Box<GzDecoder<Peek<R>>>),
    Behind(Peek<R>),
    Done,
}

impl<R: Read> Gzip<R> {
    /// `ignored` gets the number of bytes that follow the last member and are neither padding nor
    /// another member.
    pub(super) fn new(input: Peek<R>, ignored: Arc<AtomicU64>) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(input))), ignored }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let State::Member(decoder) = &mut self.state {
                let bytes = decoder.read(buffer)?;
                if bytes > 0 || buffer.is_empty() {
                    return Ok(bytes);
                }
            }
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Member(decoder) => State::Behind(decoder.into_inner()),
                State::Behind(mut input) => {
                    if input.peek(2)? == b"\x1f\x8b" {
                        State::Member(Box::new(GzDecoder::new(input)))
                    } else {
                        skip_zeros(&mut input)?;
                        let ignored = io::copy(&mut input, &mut io::sink())?;
                        self.ignored.store(ignored, Ordering::Relaxed);
                        State::Done
                    }
                }
                State::Done => return Ok(0),
            };
        }
    }
}

fn skip_zeros(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let ahead = input.fill_buf()?;
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        input.consume(zeros);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::peek::tests::Drip;
    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// What is read, and how many bytes are ignored.
    fn read(bytes: &[u8]) -> (io::Result<String>, u64) {
        let ignored = Arc::default();
        let mut text = String::new();
        let result = Gzip::new(Peek::new(Drip(bytes)), Arc::clone(&ignored));
        let result = { result }.read_to_string(&mut text).map(|_| text);
        (result, ignored.load(Ordering::Relaxed))
    }

    #[test]
    fn members_padding_and_other_bytes_are_what_gzip_takes_them_for() {
        let two = [gzip("one\n"), gzip("two")].concat();
        for (behind, expected) in
            [(&b""[..], 0), (&[0; 512], 0), (b"garbage!!", 9), (b"\0\0\x1f\x8bx", 3), (b"\x1f", 1)]
        {
            let (text, ignored) = read(&[&two[..], behind].concat());
            assert_eq!((&*text.unwrap(), ignored), ("one\ntwo", expected), "{behind:?}");
        }
    }

    #[test]
    fn a_member_that_is_cut_off_is_an_error() {
        let two = [gzip("one\n"), gzip("two")].concat();
        for end in [0, 1, two.len() - 1, two.len() / 2 + 3] {
            let (text, _) = read(&two[..end]);
            assert_eq!(text.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{end}");
        }
    }
}
