//! Children that answer for other items than they were asked for, as one does that forks and returns twice.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use mtask::prelude::*;
use mtask::{Context, Processes};
use serde::{Deserialize, Serialize};

use crate::util::watched;
use crate::worker::sockets;

/// What is answered for an item before its worker does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Answer {
    /// Nothing, as it should be.
    Once,
    /// The same as will be answered.
    Twice,
    /// What is meant for the next item.
    Next,
    /// This item, with more of its frame to come.
    NotLast,
    /// This item and one that was not asked for.
    More,
    /// What is no result.
    Nothing,
}

/// Counts the frames of its process, which have one item each.
struct Stray {
    frame: u64,
}

#[delayed_init(remote)]
impl Stray {
    fn new() -> Self {
        Self { frame: 0 }
    }

    fn call(&mut self, answer: Answer, context: &Context<'_>) -> u64 {
        let index = context.index() as u64;
        let mut body = self.frame.to_le_bytes().to_vec();
        let mut result = |index: u64| {
            body.extend(index.to_le_bytes());
            // Done, and one byte.
            body.extend([0, 1, 0, 0, 0]);
            body.push(u8::try_from(index).unwrap());
        };
        let (results, last) = (5, 7);
        let kind = match answer {
            Answer::Once => None,
            Answer::Twice => Some((last, vec![index])),
            Answer::Next => Some((last, vec![index + 1])),
            Answer::NotLast => Some((results, vec![index])),
            Answer::More => Some((last, vec![index, index + 1])),
            Answer::Nothing => Some((last, Vec::new())),
        };
        if let Some((kind, indices)) = kind {
            indices.into_iter().for_each(&mut result);
            let length = u32::try_from(body.len() + 1).unwrap();
            let frame = [&length.to_le_bytes()[..], &[kind], &body].concat();
            let [stream, _] = sockets();
            File::from(stream).write_all(&frame).unwrap();
        }
        self.frame += 1;
        index
    }
}

/// The indices of items that were lost of those that are answered so.
fn lost(answers: &[Answer]) -> Vec<usize> {
    // A limit makes frames of one item.
    let backend = Processes::new().task_timeout(Duration::from_secs(60));
    let results = par_stateful(answers.to_vec(), [Stray::spec()]).backend(backend);
    let mut lost = Vec::new();
    for (at, result) in results.enumerate() {
        match result {
            Ok(index) => assert_eq!(index, at as u64),
            Err(error) => {
                assert_eq!((error.kind(), error.index()), (TaskErrorKind::WorkerLost, Some(at)));
                let why = match answers[at] {
                    Answer::Nothing => "it sent what is no result",
                    _ => "it answered for another item",
                };
                assert!(error.to_string().contains(why), "{error}");
                lost.push(at);
            }
        }
    }
    lost
}

#[test]
fn what_is_answered_for_another_item_is_no_result() {
    const NONE: [usize; 0] = [];
    use Answer::{More, Next, NotLast, Nothing, Once, Twice};
    watched(|| {
        assert_eq!(lost(&[Once, Once, Once, Once]), NONE);
        // The second answer comes where the next item's should.
        assert_eq!(lost(&[Once, Twice, Once, Once]), [2]);
        assert_eq!(lost(&[Once, Next, Once, Once]), [1]);
        assert_eq!(lost(&[Once, Nothing, Once, Once]), [1]);
        // Here the item has its answer, and only its process is not to be trusted.
        assert_eq!(lost(&[Once, NotLast, Once, Once]), NONE);
        assert_eq!(lost(&[Once, More, Once, Once]), NONE);
        assert_eq!(lost(&[Twice, Once, Twice, Once, Twice]), [1, 3]);
    });
}
