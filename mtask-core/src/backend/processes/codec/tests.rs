use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(Box<Shape>),
    Tuple(u8, char),
    Struct { long: i128, text: Option<String> },
}

type Numbers = (u8, i8, u16, i16, u32, i32, u64, i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: Numbers,
    long: (u128, i128, usize, isize),
    yes: bool,
    floats: (f32, f64),
    shapes: Vec<Shape>,
    map: BTreeMap<String, Option<()>>,
    result: Result<char, u16>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Unit),
        any::<(u8, char)>().prop_map(|(number, character)| Shape::Tuple(number, character)),
        (any::<i128>(), any::<Option<String>>())
            .prop_map(|(long, text)| Shape::Struct { long, text }),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| inner.prop_map(|inner| Shape::Newtype(Box::new(inner))))
}

fn everything() -> impl Strategy<Value = Everything> {
    let map = proptest::collection::btree_map(any::<String>(), any::<Option<()>>(), 0..4);
    let shapes = proptest::collection::vec(shape(), 0..5);
    let floats = (-1e30..1e30f32, -1e300..1e300f64);
    let rest = (any::<(u128, i128, usize, isize)>(), any::<bool>(), any::<Result<char, u16>>());
    (any::<Numbers>(), rest, floats, shapes, map).prop_map(
        |(numbers, (long, yes, result), floats, shapes, map)| Everything {
            numbers,
            long,
            yes,
            floats,
            shapes,
            map,
            result,
        },
    )
}

proptest! {
    #[test]
    fn the_form_is_that_of_postcard(value in everything()) {
        let bytes = to_bytes(&value).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_stdvec(&value).unwrap());
        prop_assert_eq!(decode::<Everything>(&bytes).unwrap(), value);
    }

    #[test]
    fn what_postcard_refuses_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let theirs = postcard::take_from_bytes::<Everything>(&bytes);
        let theirs = theirs.ok().filter(|(_, rest)| rest.is_empty());
        prop_assert_eq!(decode::<Everything>(&bytes).is_ok(), theirs.is_some());
    }
}

#[test]
fn memory_is_in_proportion_to_what_was_sent() {
    fn refused<T: for<'de> Deserialize<'de>>(bytes: &[u8]) {
        let error = decode::<T>(bytes).err().expect("it takes too much memory");
        assert!(error.contains("bytes of memory"), "{error}");
    }
    // A length that lies, of what has no size.
    let mut lie = Vec::new();
    encode(&mut lie, &u64::MAX).unwrap();
    refused::<Vec<()>>(&lie);
    refused::<Vec<[(); 8]>>(&lie);
    // Zeros that are large values.
    let mut zeros = Vec::new();
    encode(&mut zeros, &(5_000_000_u64)).unwrap();
    zeros.resize(zeros.len() + 5_000_000, 0);
    refused::<Vec<String>>(&zeros);
    refused::<Vec<Option<[u64; 8]>>>(&zeros);
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "it is never there")]
    #[allow(clippy::large_enum_variant, reason = "that is the point")]
    enum Large {
        Nothing,
        Much([u64; 32]),
    }
    refused::<Vec<Box<Large>>>(&zeros);
    assert_eq!(decode::<Vec<u64>>(&zeros).unwrap().len(), 5_000_000);
}

#[test]
fn values_lie_no_deeper_in_each_other_than_a_stack_can_bear() {
    #[derive(Serialize, Deserialize)]
    struct Node(Option<Box<Node>>);
    let nested = |deep: usize| (1..deep).fold(Node(None), |node, _| Node(Some(Box::new(node))));
    let bytes = to_bytes(&nested(200)).unwrap();
    assert!(decode::<Node>(&bytes).is_ok());
    assert!(to_bytes(&nested(300)).unwrap_err().contains("512 deep"));
    let deep = vec![1; 100_000];
    assert!(decode::<Node>(&deep).err().unwrap().contains("512 deep"));
}

/// What the text says beside `said`.
#[track_caller]
fn says<T>(result: Result<T, String>, said: &str) {
    let error = result.err().expect("it does not cross");
    assert!(error.contains(said) && error.contains("`Json<T>`"), "{error}");
}

#[test]
fn what_the_form_cannot_carry_names_the_way_out() {
    #[derive(Serialize, Deserialize)]
    struct Skips {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        left_out: Option<u8>,
    }
    says(to_bytes(&Skips { left_out: None }), "`left_out` is left out");
    assert!(to_bytes(&Skips { left_out: Some(1) }).is_ok());

    #[derive(Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        more: BTreeMap<String, u8>,
    }
    says(to_bytes(&Flat { more: BTreeMap::new() }), "does not say its length");
    says(decode::<Flat>(&[1, 1, b'a', 5]), "asks for a name");

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "it is never there")]
    enum Untagged {
        Number(u8),
    }
    says(decode::<Untagged>(&[7]), "asks for whatever is there");
    says(decode::<serde_json::Value>(&[7]), "asks for whatever is there");

    #[derive(Serialize, Deserialize)]
    #[allow(dead_code, reason = "it is not read")]
    struct OneWay {
        #[serde(skip_serializing, default)]
        written: u8,
        read: u8,
    }
    let bytes = to_bytes(&OneWay { written: 1, read: 2 }).unwrap();
    says(decode::<OneWay>(&bytes), "was not written as it is read");
    says(decode::<u8>(&[1, 2]), "1 bytes are left over");

    struct Streamed;
    impl Serialize for Streamed {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..10).filter(|number| number % 2 == 0))
        }
    }
    says(to_bytes(&Streamed), "a sequence does not say its length");
}

#[cfg(unix)]
#[test]
fn the_text_of_a_types_own_error_stays() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    says(to_bytes(Path::new(OsStr::from_bytes(b"\xff"))), "path contains invalid UTF-8 characters");
    says(decode::<std::num::NonZeroU8>(&[0]), "expected a nonzero u8");
}
