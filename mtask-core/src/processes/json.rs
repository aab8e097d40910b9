//! What postcard cannot carry, as JSON.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Carries a value as JSON, where the compact form in which items cross to a process cannot: it does
/// not describe itself, which `serde_json::Value`, untagged enums and `#[serde(flatten)]` ask for.
///
/// Costs what `serde_json` takes for it, each way. Feature `json`.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        serde_json::from_str(text).map(Self).map_err(D::Error::custom)
    }
}
