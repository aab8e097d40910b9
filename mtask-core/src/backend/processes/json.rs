//! What postcard cannot carry, as JSON.

use std::io;
use std::str;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::Formatter;

/// Carries a value as JSON, where the compact form in which items cross to a process cannot: it does
/// not describe itself, which `serde_json::Value`, untagged enums and `#[serde(flatten)]` ask for.
///
/// Costs what `serde_json` takes for it, each way. Arrays and objects lie no more than 127 deep in each other, which is
/// as deep as it reads them. Feature `json`.
///
/// # Examples
///
/// ```
/// use mtask::prelude::*;
/// use mtask::{Json, Processes};
/// use serde_json::{Value, json};
///
/// #[delayed_init(remote)]
/// fn keys(Json(value): Json<Value>) -> Json<Value> {
///     Json(json!({ "keys": value.as_object().map_or(0, |object| object.len()) }))
/// }
///
/// fn main() -> Result<(), TaskError> {
///     mtask::init();
///     let values = [json!({ "a": 1, "b": [2] }), json!(null)].map(Json);
///     let counts = par_stateful(values, [keys::spec()]).backend(Processes::new());
///     let counts = counts.map(|item| Ok(item?.0["keys"].clone())).collect::<Result<Vec<_>, _>>()?;
///     assert_eq!(counts, [2, 0]);
///     Ok(())
/// }
/// ```
#[cfg_attr(mtask_docs, doc(cfg(feature = "json")))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(&mut text, Depth(0));
        self.0.serialize(&mut json).map_err(S::Error::custom)?;
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

/// How many arrays and objects are open. As deep as `serde_json` reads them, and no deeper: it would write them
/// until the stack is used up.
struct Depth(usize);

/// The same limit as that of reading.
const MOST_NESTED: usize = 127;

impl Depth {
    fn enter(&mut self) -> io::Result<()> {
        self.0 += 1;
        if self.0 > MOST_NESTED {
            let what = format!("its values lie more than {MOST_NESTED} deep in each other");
            return Err(io::Error::other(what));
        }
        Ok(())
    }
}

impl Formatter for Depth {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0 -= 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0 -= 1;
        writer.write_all(b"}")
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        serde_json::from_str(text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::backend::processes::codec;

    #[test]
    fn what_is_written_is_as_deep_as_what_is_read() {
        let nested =
            |depth| (1..depth).fold(Value::Array(Vec::new()), |inner, _| vec![inner].into());
        let deepest = Json(nested(MOST_NESTED));
        let bytes = codec::to_bytes(&deepest).unwrap();
        assert_eq!(codec::decode::<Json<Value>>(&bytes).unwrap(), deepest);
        for depth in [MOST_NESTED + 1, 50_000] {
            // It is dropped value by value by the other thread's larger stack.
            let encode = move || codec::to_bytes(&Json(nested(depth))).is_err();
            let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(encode).unwrap();
            assert!(thread.join().unwrap(), "{depth}");
        }
    }
}
