//! `examples/word_count.rs` against a count without workers.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use crate::util::watched;

// Its `main` is not called.
#[allow(dead_code)]
#[path = "../../examples/word_count.rs"]
mod example;

/// What `uniq -c | awk '{print $1, $2}'` gives.
fn expected(text: &[u8]) -> String {
    let mut counts = BTreeMap::new();
    for word in text.split(|byte| b" \t\n\x0b\x0c\r".contains(byte)) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts.remove(&b""[..]);
    let line = |(word, count)| format!("{count} {}\n", String::from_utf8_lossy(word));
    counts.into_iter().map(line).collect()
}

fn counted(text: Vec<u8>, workers: usize) -> String {
    let mut out = Vec::new();
    let counts = example::count(io::Cursor::new(text), workers).unwrap();
    example::print(counts, &mut out).unwrap();
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn it_counts_what_is_there() {
    watched(|| {
        let alice = include_bytes!("../../examples/tokenize/data/text/alice.txt");
        let long = [&b"a"[..], &[b'b'; 200_000], b" b\n c\x0bd c"].concat();
        let texts =
            [alice.repeat(3), long, b" \n\t\r\x0c".to_vec(), vec![], b"\xff \xfe\xff".to_vec()];
        for text in texts {
            for workers in [1, 3] {
                assert_eq!(counted(text.clone(), workers), expected(&text));
            }
        }
    });
}

#[test]
fn a_text_that_cannot_be_read_to_its_end_is_not_counted() {
    /// Gives some, and then an error.
    struct Broken(usize);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.min(buffer.len());
            if n == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            buffer[..n].fill(b'\n');
            self.0 -= n;
            Ok(n)
        }
    }

    watched(|| {
        let error = example::count(BufReader::new(Broken(300_000)), 2).unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone");
    });
}
