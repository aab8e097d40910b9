//! Whatever bytes arrive, on either side: no panic, and no memory for what a length claims.
//!
//! `PROPTEST_CASES` says for how many inputs; `.ci/fuzz` runs it for a minute.

use proptest::collection::vec;
use proptest::prelude::*;

use super::body::{self, Status};
use super::child::{Hello, NotBuilt, Panic};
use super::incoming::tests::frames;
use super::remote::RemoteError;
use super::{codec, frame};

/// The most bytes of an item in these tests.
const MAX: usize = 1 << 16;

/// What a well-behaved side sends.
fn well_formed() -> impl Strategy<Value = Vec<u8>> {
    let bytes = vec(any::<u8>(), 0..40);
    let hello = ("[a-z:]{0,20}", any::<(u32, Option<u64>)>()).prop_map(
        |(worker, (version, memory_limit))| {
            let (number, finishes, max, nice) = (1, true, MAX, Some(3));
            let hello = Hello { version, worker, number, finishes, max, memory_limit, nice };
            (frame::Kind::Hello, codec::to_bytes(&hello).unwrap())
        },
    );
    let not_built = "[a-z ]{0,30}".prop_map(|text| {
        let error = RemoteError::from_boxed(text);
        (frame::Kind::NotBuilt, codec::to_bytes(&NotBuilt::Returned(error)).unwrap())
    });
    let items = vec((any::<u64>(), bytes), 0..8);
    let work = (any::<u64>(), items.clone()).prop_map(|(attempt, items)| {
        let mut body = attempt.to_le_bytes().to_vec();
        for (index, item) in items {
            let fill = |body: &mut Vec<u8>| {
                body.extend_from_slice(&item);
                Ok::<_, ()>(())
            };
            body::append_item(&mut body, index, fill).unwrap();
        }
        (frame::Kind::Work, body)
    });
    let status = prop::sample::select(&Status::ALL[..]);
    let results =
        (any::<(u64, bool)>(), items, status).prop_map(|((frame, last), items, status)| {
            let mut body = frame.to_le_bytes().to_vec();
            for (index, bytes) in items {
                body::append_result_head(&mut body, index, status, bytes.len());
                body.extend_from_slice(&bytes);
            }
            (if last { frame::Kind::Last } else { frame::Kind::Results }, body)
        });
    let one = prop_oneof![hello, not_built, work, results].prop_map(|(kind, body)| {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, kind, [&body, &[]]).unwrap();
        bytes
    });
    vec(one, 0..4).prop_map(|frames| frames.concat())
}

/// Frames with some bytes changed, and cut off somewhere; or anything at all.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let spoiled = (well_formed(), changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut bytes, changes, end, cut)| {
            for (at, byte) in changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            if cut {
                bytes.truncate(end.index(bytes.len() + 1));
            }
            bytes
        },
    );
    prop_oneof![4 => spoiled, 1 => vec(any::<u8>(), 0..400)]
}

/// What is done with a frame, on the side that it is for.
fn decode(kind: frame::Kind, mut body: &[u8]) {
    match kind {
        frame::Kind::Hello => _ = codec::decode::<Hello>(body),
        frame::Kind::NotBuilt => _ = codec::decode::<NotBuilt>(body),
        frame::Kind::Ready | frame::Kind::Spec => {}
        frame::Kind::Summary => {
            if let Some((&status, bytes)) = body.split_first() {
                let _ = (Status::of(status), codec::decode::<Panic>(bytes));
            }
        }
        frame::Kind::Work => {
            let _ = body::split_number(&mut body);
            while let Some(item) = body::split_item(&mut body) {
                let _ = codec::decode::<(u64, Option<String>, Vec<u32>)>(item.input);
            }
        }
        frame::Kind::Results | frame::Kind::Last => {
            let _ = body::split_number(&mut body);
            while let Some(told) = body::split_result(&mut body) {
                let _ = codec::decode::<Panic>(told.bytes);
            }
        }
    }
}

proptest! {
    #[test]
    fn what_arrives_is_read_or_refused(bytes in anything(), at_a_time in 1..500usize) {
        let (_, incoming) = frames(&bytes, at_a_time, frame::most(MAX), decode);
        prop_assert!(incoming.capacity() <= 4 * bytes.len() + (256 << 10));
    }

    #[test]
    fn a_head_is_that_of_a_frame_within_the_limit_or_refused(bytes in vec(any::<u8>(), 0..8)) {
        if let Ok(Some((_, length))) = frame::head(&bytes, MAX) {
            prop_assert!(length <= MAX);
        }
    }

    #[test]
    fn a_frame_comes_back_as_it_was(
        body in vec(any::<u8>(), 0..300),
        cut in any::<prop::sample::Index>(),
        at_a_time in 1..400usize,
    ) {
        let mut bytes = Vec::new();
        let cut = cut.index(body.len() + 1);
        frame::write(&mut bytes, frame::Kind::Work, [&body[..cut], &body[cut..]]).unwrap();
        let mut read = Vec::new();
        let (end, _) = frames(&bytes, at_a_time, MAX, |kind, body| read.push((kind, body.to_vec())));
        prop_assert_eq!((end, read), (None, vec![(frame::Kind::Work, body)]));
    }
}
