//! What does not cross costs one item, and says why.

use mtask::prelude::*;
use mtask::{Json, Processes, RemoteError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::util::watched;
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
        assert!(errors.iter().all(|error| error.kind() == TaskErrorKind::NoWorkerLeft));
        assert!(errors.iter().all(|error| format!("{error:#}").contains(said)), "{errors:?}");
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

/// Cannot be built, and says so at length.
struct Talkative;

#[delayed_init(remote)]
impl Talkative {
    fn new(error: String) -> Result<Self, RemoteError> {
        if error.is_empty() {
            Ok(Self)
        } else {
            Err(RemoteError::from_boxed(error.repeat(1 << 20)))
        }
    }

    fn call(&mut self, text: String) -> String {
        match &*text {
            "panic" => panic!("{}", "ö".repeat(1 << 20)),
            _ => text,
        }
    }

    fn finish(self) -> String {
        "x".repeat(2_000_000)
    }
}

#[test]
fn a_spec_over_the_limit() {
    let run = |bytes: usize, max: usize| {
        let specs = [Talkative::spec("x".repeat(bytes))];
        let mut results =
            par_stateful(["a".to_owned()], specs).backend(Processes::new().max_frame(max));
        results.next().unwrap().unwrap_err()
    };
    let error = run(5_000, 1_000);
    assert_eq!(error.kind(), TaskErrorKind::NoWorkerLeft);
    let text = format!("{error:#}");
    let said = "its spec takes 5002 bytes, and the limit is 1000 (`Processes::max_frame`)";
    assert!(text.contains(said), "{text}");
    // Here it gets there, and is what the error is made of.
    let text = format!("{:#}", run(2, 1_000));
    assert!(text.contains("xxxx") && !text.contains("limit"), "{text}");
}

#[test]
fn a_text_that_is_too_long_is_cut() {
    watched(|| {
        let backend = || Processes::new().max_frame(1_000_000);
        let specs = [Talkative::spec("no".to_owned())];
        let mut results = par_stateful(["a".to_owned()], specs).backend(backend());
        let text = format!("{:#}", results.next().unwrap().unwrap_err());
        assert!(
            text.contains("nonono") && text.contains("(cut, of 2097152 bytes)"),
            "{}",
            text.len()
        );

        let specs = [Talkative::spec(String::new())];
        let items = ["a", "panic", "b"].map(str::to_owned);
        let results: Vec<_> = par_stateful(items, specs).backend(backend()).collect();
        assert_eq!(results[2].as_ref().unwrap(), "b");
        let text = results[1].as_ref().unwrap_err().to_string();
        assert!(text.contains("öö") && text.contains("(cut, of 2097152 bytes)"), "{}", text.len());
    });
}

#[test]
fn a_summary_over_the_limit_is_an_error_that_names_it() {
    watched(|| {
        let specs = Talkative::spec(String::new()).times(2);
        let items = (0..10).map(|x| x.to_string());
        let run = par_stateful(items, specs).backend(Processes::new().max_frame(1_000_000));
        let mut run = run.with_summaries();
        assert_eq!(run.by_ref().filter(Result::is_ok).count(), 10);
        let summaries = run.into_summaries();
        assert!(!summaries.is_empty());
        for (_, summary) in summaries {
            let error = summary.unwrap_err();
            let said = "its summary takes 2000003 bytes, and the limit is 1000000";
            assert!(
                error.kind() == TaskErrorKind::NotSent && error.to_string().contains(said),
                "{error}"
            );
        }
    });
}

/// Its form depends on what is in it.
#[derive(Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    number: Option<u64>,
}

#[delayed_init(remote)]
fn number_of(sparse: Sparse) -> u64 {
    sparse.number.unwrap_or_default()
}

#[delayed_init(remote)]
fn json_number_of(Json(sparse): Json<Sparse>) -> u64 {
    sparse.number.unwrap_or_default()
}

#[test]
fn what_needs_json_says_so() {
    let items = || (0..100).map(|at| Sparse { number: (at != 50).then_some(at) });
    let results = par_stateful(items(), number_of::spec().times(2)).backend(Processes::new());
    for (at, result) in (0..).zip(results) {
        match result {
            Ok(number) => assert_eq!(number, at),
            Err(error) => {
                let text = error.to_string();
                assert!(at == 50 && text.contains("`number` is left out"), "{text}");
                assert!(text.contains("`Json<T>`"), "{text}");
            }
        }
    }
    let items = items().map(Json);
    let results = par_stateful(items, json_number_of::spec().times(2)).backend(Processes::new());
    assert!(results.map(Result::unwrap).eq((0..100).map(|at| if at == 50 { 0 } else { at })));
}

#[test]
fn the_text_of_an_own_error_arrives() {
    let run = par_stateful([UNENCODABLE, UNDECODABLE].map(Delicate), [unwrap::spec()]);
    let texts: Vec<_> =
        run.backend(Processes::new()).map(|result| result.unwrap_err().to_string()).collect();
    assert!(texts[0].contains("not this one") && texts[1].contains("nor this one"), "{texts:?}");
}
