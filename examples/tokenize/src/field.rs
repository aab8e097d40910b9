//! One string out of a JSON object, without building the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Why a line has no text under the field.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FieldError {
    /// No JSON object: what, at which column.
    Json(String, usize),
    Missing(String),
    /// The name of the field, and what it is.
    NotString(String, String),
}

/// The string under `name` in the JSON object `line`; the last one where the key repeats.
pub(crate) fn text(line: &str, name: &str) -> Result<String, FieldError> {
    let mut json = serde_json::Deserializer::from_str(line);
    let found = Object(name)
        .deserialize(&mut json)
        .and_then(|found| json.end().map(|()| found))
        .map_err(FieldError::json)?;
    match found {
        Some(Value::Text(text)) => Ok(text),
        Some(Value::Other(what)) => Err(FieldError::NotString(name.to_owned(), what.to_owned())),
        None => Err(FieldError::Missing(name.to_owned())),
    }
}

impl FieldError {
    fn json(error: serde_json::Error) -> Self {
        // The line that serde_json counts is always 1, and would be taken for the file's.
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
        Self::Json(what.to_owned(), error.column())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(what, column) => write!(f, "not a JSON object: {what} at column {column}"),
            Self::Missing(name) => write!(f, "no field {name:?}"),
            Self::NotString(name, what) => write!(f, "the field {name:?} is {what}, not a string"),
        }
    }
}

/// An object whose other fields are skipped.
struct Object<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_field) = map.next_key_seed(Key(self.0))? {
            if is_field {
                found = Some(map.next_value_seed(AnyValue)?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one looked for.
struct Key<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// The value under the key: a string, or what it is instead.
enum Value {
    Text(String),
    Other(&'static str),
}

struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    fn ok(line: &str) -> String {
        text(line, "text").unwrap()
    }

    fn error(line: &str) -> String {
        text(line, "text").unwrap_err().to_string()
    }

    #[test]
    fn the_field_is_found_among_others() {
        assert_eq!(ok(r#"{"id": 7, "meta": {"text": "no"}, "text": "yes", "z": [1, {}]}"#), "yes");
        assert_eq!(ok(r#"{"text": ""}"#), "");
    }

    #[test]
    fn escapes_are_resolved_in_keys_and_values() {
        assert_eq!(ok(r#"{"te\u0078t": "a\n\u00e9\ud83d\ude00"}"#), "a\né😀");
    }

    #[test]
    fn a_repeated_key_counts_once_the_last() {
        assert_eq!(ok(r#"{"text": 1, "text": "b"}"#), "b");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(error(r#"{"body": "x"}"#), r#"no field "text""#);
        assert_eq!(error(r#"{"text": 1.5}"#), r#"the field "text" is a number, not a string"#);
        assert_eq!(error(r#"{"text": null}"#), r#"the field "text" is null, not a string"#);
        assert_eq!(error(r#"{"text": ["x"]}"#), r#"the field "text" is an array, not a string"#);
        assert_eq!(
            error(r#"{"text": {"x": 1}}"#),
            r#"the field "text" is an object, not a string"#
        );
        assert_eq!(
            error(r#"{"text": "x""#),
            "not a JSON object: EOF while parsing an object at column 12"
        );
        assert_eq!(
            error("[1]"),
            "not a JSON object: invalid type: sequence, expected an object at column 0"
        );
        assert_eq!(
            error(r#"{"text": "x"} {}"#),
            "not a JSON object: trailing characters at column 15"
        );
        assert!(error(r#"{"text": "\ud800"}"#).starts_with("not a JSON object: "));
    }
}
