//! Text: the source splits lines off, workers turn words into ids.

use std::sync::Arc;

use super::{Params, throughput::timed};
use crate::figures::Figures;
use crate::peers::Peer;
use crate::source::Pulled;
use crate::work::spin;

pub(crate) fn measure<P: Peer>(params: &Params) -> Figures {
    let source = Pulled(Lines { text: Arc::from(text(params.items)), at: 0 });
    let mut chain = 0_u64;
    let mut figures = timed::<P, _, _, _, _>(
        params,
        source,
        |line: String| line.split(' ').map(id).collect::<Vec<u32>>(),
        |_, ids: Vec<u32>| {
            let sum = ids.iter().fold(0_u64, |sum, &id| sum + u64::from(id));
            chain = chain.rotate_left(7) ^ sum;
            (sum, true)
        },
    );
    figures.chain = Some(chain);
    figures
}

/// The lines of a text, each as a `String` of its own.
struct Lines {
    text: Arc<str>,
    at: usize,
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let end = rest.find('\n')?;
        self.at += end + 1;
        Some(rest[..end].to_owned())
    }
}

/// So many lines of about 100 bytes, always the same ones.
fn text(lines: u64) -> String {
    const LETTERS: &[u8; 32] = b"etaoinshrdlucmfwypvbgkqjxzetaoin";
    let mut text = String::with_capacity(lines as usize * 108);
    let mut random = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..lines {
        let start = text.len();
        loop {
            random = spin(random, 1);
            let mut bits = random;
            for _ in 0..2 + (random >> 61) {
                text.push(LETTERS[(bits & 31) as usize] as char);
                bits >>= 5;
            }
            if text.len() - start >= 97 {
                break;
            }
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

/// A word's place in a vocabulary, by FNV-1a.
fn id(word: &str) -> u32 {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % 30_000) as u32
}
