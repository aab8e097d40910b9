//! What does not cross costs one item, and says why.

use mtask::Processes;
use mtask::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::worker::{Build, Obedient};

/// A number that gives trouble on one side or the other.
#[derive(Clone, Debug, PartialEq)]
struct Delicate(u64);

/// Cannot be encoded.
const UNENCODABLE: u64 = 100;
/// Panics when it is encoded.
const PANICS: u64 = 200;
/// Cannot be decoded.
const UNDECODABLE: u64 = 300;
/// Panics when it is decoded.
const PANICS_LATER: u64 = 400;

impl Serialize for Delicate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            UNENCODABLE => Err(serde::ser::Error::custom("not this one")),
            PANICS => panic!("encoding breaks"),
            number => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Delicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            UNDECODABLE => Err(serde::de::Error::custom("nor this one")),
            PANICS_LATER => panic!("decoding breaks"),
            number => Ok(Self(number)),
        }
    }
}

#[delayed_init(remote)]
fn unwrap(delicate: Delicate) -> u64 {
    delicate.0
}

#[delayed_init(remote)]
fn wrap(number: u64) -> Delicate {
    Delicate(number)
}

/// The error of one item of 500, where all the others arrive as they should.
#[track_caller]
fn alone_of_all<O: PartialEq + std::fmt::Debug>(
    results: impl Iterator<Item = Result<O, TaskError>>,
    at: u64,
    output: impl Fn(u64) -> O,
) -> String {
    let mut text = None;
    let mut count = 0;
    for (index, result) in (0..).zip(results) {
        count += 1;
        if index == at {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), TaskErrorKind::NotSent, "{error}");
            assert_eq!(error.index(), usize::try_from(at).ok());
            text = Some(error.to_string());
        } else {
            assert_eq!(result.unwrap(), output(index));
        }
    }
    assert_eq!(count, 500);
    text.expect("the item came")
}

#[test]
fn an_input() {
    let cases = [
        (UNENCODABLE, " was not sent it: its input cannot be encoded"),
        (PANICS, "its input cannot be encoded: that panicked: encoding breaks"),
        (UNDECODABLE, "its input cannot be decoded"),
        (PANICS_LATER, "its input cannot be decoded: that panicked: decoding breaks"),
    ];
    for (at, said) in cases {
        let items = (0..500)
            .map(move |x| Delicate(if x >= 100 && x % 100 == 0 && x != at { 1 } else { x }));
        let results = par_stateful(items, unwrap::spec().times(2)).backend(Processes::new());
        let output = |x| if x >= 100 && x % 100 == 0 { 1 } else { x };
        let text = alone_of_all(results, at, output);
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn an_output() {
    let cases = [
        (UNENCODABLE, " gave no result: its output cannot be encoded"),
        (PANICS, "its output cannot be encoded: that panicked: encoding breaks"),
        (UNDECODABLE, "its output cannot be decoded"),
        (PANICS_LATER, "its output cannot be decoded: that panicked: decoding breaks"),
    ];
    for (at, said) in cases {
        let items = (0..500).map(move |x| if x >= 100 && x % 100 == 0 && x != at { 1 } else { x });
        let results = par_stateful(items, wrap::spec().times(2)).backend(Processes::new());
        let output = |x| Delicate(if x >= 100 && x % 100 == 0 { 1 } else { x });
        let text = alone_of_all(results, at, output);
        assert!(text.contains(said), "{text}");
    }
}

#[delayed_init(remote)]
fn length(text: String) -> u64 {
    text.len() as u64
}

#[test]
fn an_input_over_the_limit() {
    let long = |x: u64| if x == 250 { 1 << 20 } else { x };
    let items = (0..500).map(move |x| "x".repeat(long(x) as usize));
    let backend = Processes::new().max_frame(1000);
    let text = alone_of_all(
        par_stateful(items.clone(), length::spec().times(2)).backend(backend),
        250,
        |x| x,
    );
    assert!(text.contains("its input takes 1048579 bytes, and the limit is 1000"), "{text}");
    let results = par_stateful(items, length::spec().times(2)).backend(Processes::new());
    assert!(results.map(Result::unwrap).eq((0..500).map(long)), "there is no limit that low else");
}

struct Built;

#[delayed_init(remote)]
impl Built {
    fn new(delicate: Delicate) -> Self {
        let _ = delicate;
        Self
    }

    fn call(&mut self, x: u64) -> u64 {
        x
    }
}

#[test]
fn a_spec() {
    let cases = [
        (UNENCODABLE, "its spec cannot be encoded"),
        (PANICS, "its spec cannot be encoded: that panicked: encoding breaks"),
        (UNDECODABLE, "the spec cannot be decoded"),
        (PANICS_LATER, "the spec cannot be decoded: that panicked: decoding breaks"),
    ];
    for (number, said) in cases {
        let spec = Built::spec(Delicate(number));
        let results = par_stateful(0..5, spec.times(1)).backend(Processes::new());
        let errors: Vec<_> = results.map(Result::unwrap_err).collect();
        assert_eq!(errors.len(), 5);
        assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::BuildFailed));
        assert!(format!("{:#}", errors[0]).contains(said), "{:#}", errors[0]);
        assert!(errors[4].to_string().contains(said), "the last cause is told: {}", errors[4]);
    }
}

#[test]
fn a_build_that_was_asked_for_and_fails_is_the_only_item() {
    for build in [Build::Fail("no device".to_owned()), Build::Panic, Build::Abort] {
        let specs = Obedient::spec(build).times(2);
        let results = par_stateful((0..9).map(crate::worker::Order::Double), specs);
        let mut results = results.backend(Processes::new()).build_now();
        assert_eq!(results.next().unwrap().unwrap_err().index(), None);
        assert!(results.next().is_none());
    }
}
