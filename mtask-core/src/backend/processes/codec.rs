//! Values as bytes: the form of postcard, and no panic of the user's code that says what there is to encode.
//!
//! Written and read here, and not by postcard itself: that drops the texts of errors, leaves out fields without a
//! word, and takes whatever memory and stack it is told to.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

use crate::error::{PanicPayload, drop_caught};

mod error;
mod reader;
mod writer;

use error::Error;
use writer::Writer;

/// How deep values may lie in each other: what fits into the stack of a thread, also in a debug build.
const MOST_NESTED: usize = 512;

fn too_deep() -> Error {
    Error(format!("its values lie more than {MOST_NESTED} deep in each other").into())
}

/// Appends a value.
///
/// # Errors
///
/// Why that cannot be done, and nothing is appended.
pub(super) fn encode(bytes: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<(), String> {
    let start = bytes.len();
    let encoded = catch_unwind(AssertUnwindSafe(|| value.serialize(&mut Writer::new(&mut *bytes))));
    let error = match encoded {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(payload) => panicked(payload),
    };
    bytes.truncate(start);
    Err(error)
}

/// A value as bytes.
///
/// # Errors
///
/// Why it has none.
pub fn to_bytes(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    encode(&mut bytes, value)?;
    Ok(bytes)
}

/// Reads a value that takes all of the bytes.
///
/// # Errors
///
/// Why there is none.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    decode_as(bytes, |value| value)
}

/// The same, as what `make` makes of it, which may panic.
///
/// # Errors
///
/// Why there is none.
pub(super) fn decode_as<'a, T: Deserialize<'a>, O>(
    bytes: &'a [u8],
    make: impl FnOnce(T) -> O,
) -> Result<O, String> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        let (value, left) = reader::read(bytes).map_err(|error| error.to_string())?;
        if left == 0 {
            return Ok(make(value));
        }
        drop_caught::<T>(value);
        let what = format!("{left} bytes are left over, and it was not written as it is read");
        Err(Error::uncarried(what).to_string())
    }));
    decoded.unwrap_or_else(|payload| Err(panicked(payload)))
}

fn panicked(payload: Box<dyn Any + Send>) -> String {
    let message = format!("that panicked: {}", PanicPayload::text(&*payload));
    drop_caught(payload);
    message
}

#[cfg(test)]
mod tests;
